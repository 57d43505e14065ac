/*
 * A sender that is not the bottleneck: every PDU is made before the clock starts.
 *
 *     build/bench/bench_blast PORT FOLDER ASSOCIATIONS PER_ASSOCIATION [CALLED [PDU]]
 *
 * sends each image of FOLDER (Part 10, all of one SOP class and transfer syntax) once to 127.0.0.1,
 * over so many associations at the same time, of so many images each (0: what falls to each), in
 * PDUs as large as the peer allows (PDU: at most).  Prints the images, the seconds and the images a
 * second.  Ends with 1 when an image was not answered with Success.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "wire.h"

#define IMAGES_MAX 8192

struct image {
	const uint8_t *data; /* the data set, mapped */
	size_t len;
	char sop_class[66], sop_instance[66], syntax[66];
	uint8_t *wire; /* its PDUs */
	size_t wire_len;
};

static struct image images[IMAGES_MAX];
static unsigned image_count;
static uint16_t port;
static const char *called = "NETRT";
static size_t pdu_most = MIB;

static void copy_uid(char out[66], const uint8_t *value, size_t len)
{
	if (len > 64)
		len = 64;
	memcpy(out, value, len);
	out[len] = '\0';
}

static void load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	struct image *im = &images[image_count];

	if (fd < 0 || fstat(fd, &st) < 0 || image_count == IMAGES_MAX)
		die(path);
	const uint8_t *file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file == MAP_FAILED)
		die(path);
	size_t at = 132;
	while (file[at] == 2 && file[at + 1] == 0) {
		unsigned number = file[at + 2] | (unsigned)file[at + 3] << 8;
		size_t head = file[at + 4] == 'O' ? 12 : 8;
		size_t len = file[at + head - 4] | (size_t)file[at + head - 3] << 8;

		if (head == 8)
			len = file[at + 6] | (size_t)file[at + 7] << 8;
		if (number == 0x02)
			copy_uid(im->sop_class, file + at + head, len);
		if (number == 0x03)
			copy_uid(im->sop_instance, file + at + head, len);
		if (number == 0x10)
			copy_uid(im->syntax, file + at + head, len);
		at += head + len;
	}
	im->data = file + at;
	im->len = (size_t)st.st_size - at;
	image_count++;
	close(fd);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void load_folder(const char *folder)
{
	struct dirent **names;
	int count = scandir(folder, &names, NULL, by_name);

	if (count < 0)
		die(folder);
	for (int i = 0; i < count; i++) {
		char path[4096];

		if (names[i]->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
		load(path);
	}
	if (image_count == 0)
		die("no images");
}

static size_t request(uint8_t *out)
{
	uint8_t *at = out + 6;
	size_t syntax = strlen(images[0].syntax), abstract = strlen(images[0].sop_class);

	at = put16(put16(at, 1), 0);
	at = put_text(put_text(at, called, 16, ' '), "BLAST", 16, ' ');
	memset(at, 0, 32);
	at = put_item(at + 32, 0x10, "1.2.840.10008.3.1.1.1");
	at = put16(put16(at, 0x20 << 8), (unsigned)(4 + 4 + abstract + 4 + syntax));
	at = put32(at, 0x01000000);
	at = put_item(put_item(at, 0x30, images[0].sop_class), 0x40, images[0].syntax);
	at = put16(put16(at, 0x50 << 8), 8 + 4 + 10);
	at = put32(put16(put16(at, 0x51 << 8), 4), MIB);
	at = put_item(at, 0x52, "2.25.77002");
	out[0] = 1;
	out[1] = 0;
	put32(out + 2, (uint32_t)(at - out - 6));
	return (size_t)(at - out);
}

/* The next PDU's body in `body`; its type. */
static unsigned read_pdu(int fd, uint8_t *body, size_t room, size_t *len)
{
	uint8_t head[6];

	if (!read_all(fd, head, 6)) {
		fprintf(stderr, "bench_blast: the peer has gone\n");
		exit(2);
	}
	*len = get32(head + 2);
	if (*len > room || !read_all(fd, body, *len)) {
		fprintf(stderr, "bench_blast: a PDU of %zu bytes, or half of it\n", *len);
		exit(2);
	}
	return head[0];
}

/* The maximum length that the peer named. */
static uint32_t peer_pdu(const uint8_t *body, size_t len)
{
	for (size_t at = 68; at + 4 <= len; at += 4 + get16(body + at + 2)) {
		if (body[at] != 0x50)
			continue;
		for (size_t in = at + 4; in + 8 <= len; in += 4 + get16(body + in + 2))
			if (body[in] == 0x51)
				return get32(body + in + 4);
	}
	return 0;
}

static int associate(uint32_t *peer)
{
	static uint8_t buffer[65536];
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	size_t len = request(buffer);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	write_all(fd, buffer, len);
	if (read_pdu(fd, buffer, sizeof buffer, &len) != 2) {
		fprintf(stderr, "bench_blast: not accepted\n");
		exit(2);
	}
	*peer = peer_pdu(buffer, len);
	return fd;
}

static void release(int fd)
{
	uint8_t pdu[64] = {5, 0, 0, 0, 0, 4};
	size_t len;

	write_all(fd, pdu, 10);
	read_pdu(fd, pdu, sizeof pdu, &len);
	close(fd);
}

static size_t command(uint8_t *out, const struct image *im)
{
	uint8_t *at = out + 12;

	at = put_uid(at, 0x0002, im->sop_class);
	at = put_us(put_us(at, 0x0100, 1), 0x0110, 1);
	at = put_us(put_us(at, 0x0700, 0), 0x0800, 0);
	at = put_uid(at, 0x1000, im->sop_instance);
	uint32_t len = (uint32_t)(at - out - 12);
	put_element(out, 0, (uint8_t[4]){(uint8_t)len, (uint8_t)(len >> 8), 0, 0}, 4);
	return (size_t)(at - out);
}

/* The command in a PDU of its own, then the data set. */
static void encode(struct image *im, size_t largest)
{
	uint8_t set[512];
	size_t set_len = command(set, im), fragment = (largest - 6) & ~(size_t)1;
	size_t pieces = (im->len + fragment - 1) / fragment;
	uint8_t *at = malloc(12 + set_len + im->len + pieces * 12);

	if (at == NULL)
		die("malloc");
	im->wire = at;
	at = put32(put16(at, 0x0400), (uint32_t)set_len + 6);
	at = put16(put32(at, (uint32_t)set_len + 2), 0x0103);
	memcpy(at, set, set_len);
	at += set_len;
	for (size_t done = 0; done < im->len;) {
		size_t n = im->len - done < fragment ? im->len - done : fragment;

		at = put32(put16(at, 0x0400), (uint32_t)n + 6);
		at = put16(put32(at, (uint32_t)n + 2), done + n == im->len ? 0x0102 : 0x0100);
		memcpy(at, im->data + done, n);
		at += n;
		done += n;
	}
	im->wire_len = (size_t)(at - im->wire);
}

/* True when the response says Success. */
static int stored(int fd)
{
	uint8_t body[4096];
	size_t len;

	if (read_pdu(fd, body, sizeof body, &len) != 4)
		return 0;
	for (size_t at = 6; at + 10 <= len; at += 8 + (body[at + 4] | (size_t)body[at + 5] << 8))
		if (body[at + 2] == 0x00 && body[at + 3] == 0x09)
			return body[at + 8] == 0 && body[at + 9] == 0;
	return 0;
}

/* Every `step`th image from the `first` on, `each` an association. */
static int blast(unsigned first, unsigned step, unsigned each)
{
	int fd = -1, good = 1;
	unsigned sent = 0;
	uint32_t peer;

	for (unsigned i = first; i < image_count; i += step) {
		if (fd < 0)
			fd = associate(&peer);
		write_all(fd, images[i].wire, images[i].wire_len);
		good &= stored(fd);
		if (++sent == each) {
			release(fd);
			fd = -1;
			sent = 0;
		}
	}
	if (fd >= 0)
		release(fd);
	return good;
}

int main(int argc, char **argv)
{
	if (argc < 5) {
		fprintf(stderr, "usage: bench_blast PORT FOLDER ASSOCIATIONS PER [CALLED [PDU]]\n");
		return 64;
	}
	unsigned associations = (unsigned)atoi(argv[3]), each = (unsigned)atoi(argv[4]);
	uint32_t peer;
	int good = 1, status, start[2];

	port = (uint16_t)atoi(argv[1]);
	called = argc > 5 ? argv[5] : called;
	pdu_most = argc > 6 ? (size_t)atol(argv[6]) : pdu_most;
	load_folder(argv[2]);
	release(associate(&peer));
	for (unsigned i = 0; i < image_count; i++)
		encode(&images[i], peer != 0 && peer < pdu_most ? peer : pdu_most);
	if (pipe(start) < 0)
		die("pipe");
	for (unsigned n = 0; n < associations; n++) {
		uint8_t go;

		if (fork() != 0)
			continue;
		close(start[1]);
		read_all(start[0], &go, 1); /* ends when the pipe is closed: all start together */
		_exit(!blast(n, associations, each));
	}
	usleep(20000);
	double began = now_s();
	close(start[1]);
	while (wait(&status) > 0)
		good &= status == 0;
	double took = now_s() - began;
	printf("%u %.4f %.1f\n", image_count, took, image_count / took);
	return !good;
}
