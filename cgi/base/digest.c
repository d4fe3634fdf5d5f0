/* SHA-256. */
#include "base/digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"

/*
 * OpenSSL 3 looks an algorithm up under locks at each SHA256() call, which
 * costs more than the digest of a clientState; so it is fetched once and kept
 * for the life of the process.
 */
static EVP_MD *sha256;
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;

static void fetch_sha256(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

void digest_make(struct digest *digest, const void *bytes, size_t length)
{
    pthread_once(&sha256_once, fetch_sha256);
    if (!sha256 ||
        !EVP_Digest(bytes, length, digest->bytes, NULL, sha256, NULL))
        die(EX_SOFTWARE, "libcrypto makes no SHA-256");
}

/* False: see digest_read(). */
static bool add_file(EVP_MD_CTX *context, int fd, uint64_t length)
{
    char piece[65536];

    for (uint64_t at = 0; at < length;) {
        size_t room =
            length - at < sizeof(piece) ? (size_t)(length - at) : sizeof(piece);
        errno = 0;
        ssize_t n = pread(fd, piece, room, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        if (!EVP_DigestUpdate(context, piece, (size_t)n))
            die(EX_SOFTWARE, "libcrypto makes no SHA-256");
        at += (uint64_t)n;
    }
    return true;
}

bool digest_read(struct digest *digest, int fd, uint64_t length)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool read;

    pthread_once(&sha256_once, fetch_sha256);
    if (!context || !EVP_DigestInit_ex2(context, sha256, NULL))
        die(EX_SOFTWARE, "libcrypto makes no SHA-256");
    read = add_file(context, fd, length);
    if (read && !EVP_DigestFinal_ex(context, digest->bytes, NULL))
        die(EX_SOFTWARE, "libcrypto makes no SHA-256");
    EVP_MD_CTX_free(context);
    return read;
}

int digest_compare(const struct digest *a, const struct digest *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}
