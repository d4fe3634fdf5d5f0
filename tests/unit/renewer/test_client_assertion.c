/* The signed statement: what it says, its signature, and unfit files. */
#include "base/certificate.h"
#include "unit.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/client_assertion.h"
#include "base/base64url.h"
#include "base/json.h"
#include "base/memory.h"

#define CLIENT "01234567-89ab-cdef-0123-456789abcdef"
#define AUDIENCE "https://login.example/tenant/oauth2/v2.0/token"
#define NOW 1795341600

static char folder[] = "/tmp/callhook-unit-XXXXXX";
static EVP_PKEY *own_key;
static X509 *own_certificate;

/* Valid until the next call. */
static const char *in_folder(const char *name)
{
    static char paths[2][100];
    static unsigned turn;
    char *path = paths[turn++ % 2];

    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static FILE *create(const char *name)
{
    FILE *file = fopen(in_folder(name), "w");

    assert_non_null(file);
    assert_int_equal(fchmod(fileno(file), 0600), 0);
    return file;
}

static void write_text(const char *name, const char *text)
{
    FILE *file = create(name);

    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void write_key(const char *name, EVP_PKEY *key, const char *passphrase)
{
    FILE *file = create(name);

    assert_int_equal(PEM_write_PrivateKey(
                         file, key, passphrase ? EVP_aes_128_cbc() : NULL,
                         (const unsigned char *)passphrase,
                         passphrase ? (int)strlen(passphrase) : 0, NULL, NULL),
                     1);
    assert_int_equal(fclose(file), 0);
}

static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *certificate = X509_new();

    assert_non_null(certificate);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), 3600));
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    return certificate;
}

static void write_new_key(const char *name, EVP_PKEY *key)
{
    assert_non_null(key);
    write_key(name, key, NULL);
    EVP_PKEY_free(key);
}

int unit_setup(void **state)
{
    FILE *file;

    (void)state;
    assert_non_null(mkdtemp(folder));
    own_key = EVP_RSA_gen(2048);
    own_certificate = make_certificate(own_key);
    file = create("certificate");
    assert_int_equal(PEM_write_X509(file, own_certificate), 1);
    assert_true(fputs("something behind it\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(in_folder("certificate"), 0644), 0);
    write_key("key", own_key, NULL);
    write_key("encrypted", own_key, "passphrase");
    write_new_key("another", EVP_RSA_gen(2048));
    write_new_key("short", EVP_RSA_gen(1024));
    write_new_key("curve", EVP_EC_gen("P-256"));
    write_key("open", own_key, NULL);
    assert_int_equal(chmod(in_folder("open"), 0644), 0);
    write_text("empty", "");
    write_text("words", "-----BEGIN PRIVATE KEY-----\nno\n");
    assert_int_equal(truncate(in_folder("empty"), 0), 0);
    write_text("long", "");
    assert_int_equal(truncate(in_folder("long"), 65537), 0);
    return 0;
}

int unit_teardown(void **state)
{
    static const char *const names[] = {
        "certificate", "key",  "encrypted", "another", "short",
        "curve",       "open", "empty",     "words",   "long",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++)
        unlink(in_folder(names[i]));
    EVP_PKEY_free(own_key);
    X509_free(own_certificate);
    return rmdir(folder);
}

static char *make_own(void)
{
    char why[200] = "";
    char *jwt =
        client_assertion_make(in_folder("certificate"), in_folder("key"),
                              CLIENT, AUDIENCE, NOW, why, sizeof(why));

    assert_string_equal(why, "");
    assert_non_null(jwt);
    return jwt;
}

/* The part of a JWT that begins at `text`, as JSON. */
static yajl_val part(const char *text)
{
    size_t length;
    char *json = base64url_decode(text, strcspn(text, "."), &length);

    assert_non_null(json);
    yajl_val tree = json_parse(json, length);
    assert_non_null(tree);
    free(json);
    return tree;
}

static void assert_number(yajl_val tree, const char *name, int64_t expected)
{
    int64_t number;

    assert_true(json_number(tree, name, &number));
    assert_int_equal(number, expected);
}

TEST(header)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_length;
    size_t length;
    char *jwt = make_own();
    yajl_val tree = part(jwt);

    assert_int_equal(tree->u.object.len, 3);
    assert_string_equal(json_text(tree, "alg"), "PS256");
    assert_string_equal(json_text(tree, "typ"), "JWT");
    assert_int_equal(
        X509_digest(own_certificate, EVP_sha256(), digest, &digest_length), 1);
    const char *text = json_text(tree, "x5t#S256");
    char *bytes = base64url_decode(text, strlen(text), &length);
    assert_non_null(bytes);
    assert_int_equal(length, digest_length);
    assert_memory_equal(bytes, digest, length);
    free(bytes);
    yajl_tree_free(tree);
    memory_wipe(jwt);
}

TEST(claims)
{
    char *one = make_own();
    char *other = make_own();
    yajl_val tree = part(strchr(one, '.') + 1);
    yajl_val other_tree = part(strchr(other, '.') + 1);

    assert_int_equal(tree->u.object.len, 7);
    assert_string_equal(json_text(tree, "aud"), AUDIENCE);
    assert_string_equal(json_text(tree, "iss"), CLIENT);
    assert_string_equal(json_text(tree, "sub"), CLIENT);
    assert_number(tree, "nbf", NOW);
    assert_number(tree, "iat", NOW);
    assert_number(tree, "exp", NOW + 600);
    assert_int_equal(strlen(json_text(tree, "jti")), 36);
    assert_string_not_equal(json_text(tree, "jti"), json_text(other_tree, "jt"
                                                                          "i"));
    yajl_tree_free(tree);
    yajl_tree_free(other_tree);
    memory_wipe(one);
    memory_wipe(other);
}

/* With the salt's length that RFC 7518 demands, not just any. */
static bool is_signed(const char *text, size_t text_length,
                      const char *signature, size_t signature_length)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options;
    EVP_PKEY *key = X509_get0_pubkey(own_certificate);

    assert_int_equal(
        EVP_DigestVerifyInit(context, &options, EVP_sha256(), NULL, key), 1);
    assert_int_equal(
        EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(options, 32), 1);
    int sound = EVP_DigestVerify(context, (const unsigned char *)signature,
                                 signature_length, (const unsigned char *)text,
                                 text_length);
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return sound == 1;
}

TEST(signature)
{
    char *jwt = make_own();
    char *dot = strrchr(jwt, '.');
    size_t length;
    char *bytes = base64url_decode(dot + 1, strlen(dot + 1), &length);

    assert_non_null(bytes);
    assert_int_equal(length, 256);
    assert_true(is_signed(jwt, (size_t)(dot - jwt), bytes, length));
    jwt[3] ^= 1;
    assert_false(is_signed(jwt, (size_t)(dot - jwt), bytes, length));
    free(bytes);
    memory_wipe(jwt);
}

static const struct files_case {
    const char *name;
    const char *certificate;
    const char *key;
    const char *why; /* NULL: fit */
} files_cases[] = {
    {"fit", "certificate", "key", NULL},
    {"no certificate", "none", "key",
     "certificate_file cannot be opened: No such file or directory"},
    {"folder", ".", "key", "certificate_file is no regular file"},
    {"long certificate", "long", "key",
     "certificate_file is longer than 65536 bytes"},
    {"empty certificate", "empty", "key",
     "certificate_file holds no PEM certificate"},
    {"key for a certificate", "key", "key",
     "certificate_file holds no PEM certificate"},
    {"no key", "certificate", "none",
     "private_key_file cannot be opened: No such file or directory"},
    {"key that is open to others", "certificate", "open",
     "private_key_file is open to others (mode 0644)"},
    {"empty key", "certificate", "empty",
     "private_key_file holds no PEM private key"},
    {"damaged key", "certificate", "words",
     "private_key_file holds no PEM private key"},
    {"long key", "certificate", "long",
     "private_key_file is longer than 65536 bytes"},
    {"encrypted key", "certificate", "encrypted",
     "private_key_file is encrypted; it must be stored without a passphrase"},
    {"short key", "certificate", "short",
     "private_key_file holds no RSA key of 2048 bits or more"},
    {"key of a curve", "certificate", "curve",
     "private_key_file holds no RSA key of 2048 bits or more"},
    {"another's key", "certificate", "another",
     "private_key_file does not belong to certificate_file"},
};

TEST_EACH(files, files_cases, c)
{
    char why[200] = "", also[200] = "";
    bool sound = certificate_check(in_folder(c->certificate), in_folder(c->key),
                                   why, sizeof(why));
    char *jwt =
        client_assertion_make(in_folder(c->certificate), in_folder(c->key),
                              CLIENT, AUDIENCE, NOW, also, sizeof(also));

    assert_int_equal(sound, !c->why);
    assert_int_equal(jwt != NULL, !c->why);
    assert_string_equal(why, c->why ? c->why : "");
    assert_string_equal(also, why);
    /* libcurl's OpenSSL in the same thread must not trip over ours. */
    assert_int_equal(ERR_peek_error(), 0);
    memory_wipe(jwt);
}

/* They are escaped. */
TEST(odd_texts)
{
    static const char *const odd[] = {"a\"b", "a\\b", "a b", "a\n", "\u00e9"};
    char why[200];

    for (size_t i = 0; i < COUNT(odd); i++) {
        char *jwt =
            client_assertion_make(in_folder("certificate"), in_folder("key"),
                                  odd[i], odd[i], NOW, why, sizeof(why));
        assert_non_null(jwt);
        yajl_val tree = part(strchr(jwt, '.') + 1);
        assert_string_equal(json_text(tree, "aud"), odd[i]);
        assert_string_equal(json_text(tree, "iss"), odd[i]);
        yajl_tree_free(tree);
        memory_wipe(jwt);
    }
}
