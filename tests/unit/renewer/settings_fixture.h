/* What the tests of renewer.conf share: a folder of files, and reading it. */
#ifndef CALLHOOK_SETTINGS_FIXTURE_H
#define CALLHOOK_SETTINGS_FIXTURE_H

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "settings/settings_reader.h"

/* All files are in this folder, which is the current one while tests run. */
static char folder[] = "/tmp/callhook-unit-XXXXXX";

#define CONF "renewer.conf"
#define A_GUID "01234567-89ab-cdef-0123-456789abcdef"
#define B_GUID "11234567-89AB-CDEF-0123-456789ABCDEF"

/* What a test adds to GOOD begins with its line 8, in [tenant a]. */
#define GENERAL                                                                \
    "[callhook]\n"                                                             \
    "notification_url = https://calls.example.com/callhook\n"
#define TENANT(name, id)                                                       \
    "[tenant " name "]\n"                                                      \
    "tenant_id = " id "\n"                                                     \
    "client_id = " B_GUID "\n"                                                 \
    "client_secret_file = secret\n"
#define GOOD GENERAL "\n" TENANT("a", A_GUID)

#define X10 "xxxxxxxxxx"
#define X50 X10 X10 X10 X10 X10
#define X150 X50 X50 X50

static void put_file(const char *path, const char *bytes, size_t length,
                     mode_t mode)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

#define PUT(path, pg_list, mode)                                               \
    put_file(path, pg_list, sizeof(pg_list) - 1, mode)

/* Reads settings; what it says goes to `said`, which ends with a NUL. */
static size_t read_settings(struct settings *settings, char *said, size_t room)
{
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);

    assert_non_null(file);
    dup2(fileno(file), STDERR_FILENO);
    size_t faults = settings_reader_read(settings, CONF);
    dup2(saved, STDERR_FILENO);
    close(saved);
    ssize_t n = pread(fileno(file), said, room - 1, 0);
    assert_true(n >= 0);
    said[n] = '\0';
    fclose(file);
    return faults;
}

/* A certificate of nobody, and its key; the other key belongs to none. */
static void make_certificate(void)
{
    X509 *certificate = X509_new();
    EVP_PKEY *key = EVP_RSA_gen(2048), *other = EVP_RSA_gen(2048);
    FILE *file;

    assert_non_null(certificate);
    X509_set_pubkey(certificate, key);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    assert_non_null(file = fopen("certificate", "w"));
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    fclose(file);
    for (int i = 0; i < 2; i++) {
        const char *name = i ? "other-key" : "key";

        assert_non_null(file = fopen(name, "w"));
        assert_int_equal(chmod(name, 0600), 0);
        assert_int_equal(PEM_write_PrivateKey(file, i ? other : key, NULL, NULL,
                                              0, NULL, NULL),
                         1);
        fclose(file);
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

int unit_setup(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    PUT("secret", "hidden\r\n", 0640);
    PUT("open-secret", "hidden", 0644);
    PUT("group-secret", "hidden", 0660);
    PUT("empty-secret", "\n\n", 0600);
    PUT("two-secrets", "hidden\nhidden\n", 0600);
    PUT("empty", "", 0644);
    PUT("written", "", 0666);
    make_certificate();
    return 0;
}

int unit_teardown(void **state)
{
    static const char *const files[] = {
        CONF,           "secret",      "open-secret", "group-secret",
        "empty-secret", "two-secrets", "empty",       "written",
        "certificate",  "key",         "other-key"};

    (void)state;
    for (size_t i = 0; i < COUNT(files); i++)
        unlink(files[i]);
    return chdir("/") || rmdir(folder);
}

#endif
