/*
 * A file as the bytes of a C array, on standard output.
 */
#include <stdio.h>

int main(int argc, char **argv)
{
	FILE *in = argc == 2 ? fopen(argv[1], "rb") : NULL;
	int c;
	unsigned column = 0;

	if (in == NULL) {
		fputs("usage: embed FILE\n", stderr);
		return 1;
	}
	while ((c = getc(in)) != EOF)
		printf("%d,%s", c, ++column % 20 == 0 ? "\n" : "");
	putchar('\n');
	if (ferror(in) || fclose(in) != 0 || fflush(stdout) != 0)
		return 1;
	return 0;
}
