#include "anon/key.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sha256.h"

#define KEY_FILE_MAX 256u

static void set_id(struct anon_key *key)
{
	uint8_t sum[SHA256_LEN];

	key_hash(key, "id", NULL, 0, sum);
	snprintf(key->id, sizeof(key->id), "%02x%02x%02x%02x", sum[0], sum[1], sum[2], sum[3]);
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_text(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (hex_digit(text.at[i]) < 0 && strchr(" \t\r\n", text.at[i]) == NULL)
			return false;
	return true;
}

/* 64 digits with any white space after them, or 32 bytes, which are no part of 64 digits. */
static bool parse(struct bytes text, uint8_t out[static ANON_KEY_LEN])
{
	if (text.len == ANON_KEY_LEN && !is_text(text)) {
		memcpy(out, text.at, ANON_KEY_LEN);
		return true;
	}
	while (text.len > 0 && strchr(" \t\r\n", text.at[text.len - 1]) != NULL)
		text.len--;
	if (text.len != 2 * ANON_KEY_LEN)
		return false;
	for (size_t i = 0; i < ANON_KEY_LEN; i++) {
		int high = hex_digit(text.at[2 * i]), low = hex_digit(text.at[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool is_trivial(const uint8_t secret[static ANON_KEY_LEN])
{
	for (size_t i = 1; i < ANON_KEY_LEN; i++)
		if (secret[i] != secret[0])
			return false;
	return true;
}

static enum err read_open(struct anon_key *key, int fd, struct fault *f)
{
	uint8_t text[KEY_FILE_MAX];
	size_t len = 0;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fault_io(f, "the key file");
	if (!S_ISREG(st.st_mode))
		return fault_set(f, ERR_UNUSABLE, "the key is not in a regular file",
				 FAULT_NO_OFFSET);
	if ((st.st_mode & 077) != 0)
		return fault_set(f, ERR_UNUSABLE,
				 "others may read the key file: chmod 600, and make a new key if "
				 "somebody did",
				 FAULT_NO_OFFSET);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return fault_set(f, ERR_UNUSABLE, "the key file belongs to somebody else",
				 FAULT_NO_OFFSET);
	while (len < sizeof(text)) {
		ssize_t n = read(fd, text + len, sizeof(text) - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fault_io(f, "the key file");
		if (n == 0)
			break;
		len += (size_t)n;
	}
	bool good = parse(bytes_of(text, len), key->secret) && !is_trivial(key->secret);
	explicit_bzero(text, sizeof(text));
	if (!good)
		return fault_set(f, ERR_UNUSABLE,
				 "no key: 64 hexadecimal digits are expected (netrt keygen)",
				 FAULT_NO_OFFSET);
	return OK;
}

enum err key_read(struct anon_key *key, const char *path, struct fault *f)
{
	struct anon_key k;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return fault_io(f, "the key file");
	enum err e = read_open(&k, fd, f);
	close(fd);
	if (e != OK)
		return e;
	set_id(&k);
	*key = k;
	explicit_bzero(&k, sizeof(k));
	return OK;
}

static enum err random_key(struct anon_key *key, struct fault *f)
{
	for (size_t got = 0; got < ANON_KEY_LEN;) {
		ssize_t n = getrandom(key->secret + got, ANON_KEY_LEN - got, 0);

		if (n < 0 && errno != EINTR)
			return fault_io(f, "no random bytes");
		got += n > 0 ? (size_t)n : 0;
	}
	return OK;
}

/* The folder's entry for a new file, on disk. */
static enum err sync_folder(const char *path, struct fault *f)
{
	char *copy = strdup(path);
	int fd = copy != NULL ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	enum err e = OK;

	free(copy);
	if (fd < 0 || fsync(fd) < 0)
		e = fault_io(f, "the folder of the key file");
	if (fd >= 0)
		close(fd);
	return e;
}

enum err key_make(const char *path, struct anon_key *key, struct fault *f)
{
	struct anon_key k;
	char text[2 * ANON_KEY_LEN + 2];
	enum err e = random_key(&k, f);

	if (e != OK)
		return e;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);
	if (fd < 0)
		return fault_io(f, "the key file cannot be made");
	for (size_t i = 0; i < ANON_KEY_LEN; i++)
		snprintf(text + 2 * i, 3, "%02x", k.secret[i]);
	text[2 * ANON_KEY_LEN] = '\n';
	e = file_write_all(fd, bytes_of(text, 2 * ANON_KEY_LEN + 1), f);
	if (e == OK && fsync(fd) < 0)
		e = fault_io(f, "the key file");
	if (close(fd) < 0 && e == OK)
		e = fault_io(f, "the key file");
	if (e == OK)
		e = sync_folder(path, f);
	explicit_bzero(text, sizeof(text));
	if (e != OK) {
		unlink(path);
		return e;
	}
	set_id(&k);
	*key = k;
	return OK;
}

void key_hash(const struct anon_key *key, const char *domain, const struct bytes *parts,
	      size_t count, uint8_t out[static 32])
{
	struct hmac h;

	hmac_init(&h, bytes_of(key->secret, ANON_KEY_LEN));
	hmac_add_framed(&h, BYTES_LIT("netrt-deid 1"));
	hmac_add_framed(&h, bytes_str(domain));
	for (size_t i = 0; i < count; i++)
		hmac_add_framed(&h, parts[i]);
	hmac_end(&h, out);
}

void key_base32(const uint8_t hash[static 32], unsigned bits, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	uint32_t held = 0;
	unsigned count = 0, at = 0;

	for (; bits >= 5; bits -= 5) {
		if (count < 5) {
			held = held << 8 | hash[at++];
			count += 8;
		}
		count -= 5;
		*out++ = digits[held >> count & 31u];
	}
	*out = '\0';
}

int key_days(const struct anon_key *key, const struct bytes *parts, size_t count, int most)
{
	uint64_t range = (uint64_t)most, limit = UINT64_MAX - UINT64_MAX % range;
	struct bytes more[8];
	uint8_t sum[SHA256_LEN], round = 0;
	uint64_t value;

	for (size_t i = 0; i < count && i < 7; i++)
		more[i] = parts[i];
	count = count < 7 ? count : 7;
	do { /* a value in the incomplete last range is drawn again */
		more[count] = bytes_of(&round, 1);
		key_hash(key, "date", more, count + 1, sum);
		value = get_u64be(sum);
		round++;
	} while (value >= limit);
	return -(int)(value % range) - 1;
}
