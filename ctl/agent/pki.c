#include "pki.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "charon.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"

#define DAYS    3650
#define SERIAL  16
#define PEM_MAX (256 * 1024)

static void bio_done(BIO **bio)
{
    BIO_free(*bio);
}

static void cert_done(X509 **cert)
{
    X509_free(*cert);
}

static void key_done(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void secret_free(char **text)
{
    if (*text)
        explicit_bzero(*text, strlen(*text));
    free(*text);
}

void vnl_pki_pair_done(struct vnl_pki_pair *pair)
{
    secret_free(&pair->key);
    free(pair->certificate);
    *pair = (struct vnl_pki_pair){ .key = NULL };
}

int vnl_pki_open(const char *lab, struct vnl_err **err)
{
    return vnl_charon_dir_open(lab, "pki", NULL, err);
}

/* --- PEM ------------------------------------------------------------------------------------------ */

/* An encrypted key has no passphrase here. */
static int no_passphrase(char *buf, int size, int rwflag, void *arg)
{
    (void)buf, (void)size, (void)rwflag, (void)arg;
    return -1;
}

static X509 *cert_of(const char *pem)
{
    CLEANUP(bio_done) BIO *bio = pem ? BIO_new_mem_buf(pem, -1) : NULL;

    return bio ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;
}

static EVP_PKEY *key_of(const char *pem)
{
    CLEANUP(bio_done) BIO *bio = pem ? BIO_new_mem_buf(pem, -1) : NULL;

    return bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
}

static char *text_of(BIO *bio)
{
    char *data = NULL;
    long size = BIO_get_mem_data(bio, &data);

    return size > 0 ? strndup(data, (size_t)size) : NULL;
}

static char *cert_text(X509 *cert)
{
    CLEANUP(bio_done) BIO *bio = BIO_new(BIO_s_mem());

    return bio && PEM_write_bio_X509(bio, cert) ? text_of(bio) : NULL;
}

static char *key_text(EVP_PKEY *key)
{
    CLEANUP(bio_done) BIO *bio = BIO_new(BIO_s_secmem());

    return bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) ? text_of(bio) : NULL;
}

static int pair_of(X509 *cert, EVP_PKEY *key, struct vnl_pki_pair *ret, struct vnl_err **err)
{
    struct vnl_pki_pair pair = { cert_text(cert), key ? key_text(key) : NULL };

    if (!pair.certificate || (key && !pair.key)) {
        vnl_pki_pair_done(&pair);
        return vnl_fail(err, ENOMEM, "a certificate");
    }
    *ret = pair;
    return 0;
}

/* --- making --------------------------------------------------------------------------------------- */

struct wish {
    const char *name; /* CN */
    const char *basic, *usage, *extended, *alternative;
};

static bool put_name(X509 *cert, const char *name)
{
    X509_NAME *subject = X509_get_subject_name(cert);

    return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
}

static bool put_serial(X509 *cert)
{
    unsigned char bytes[SERIAL];
    BIGNUM *number = NULL;
    bool done = false;

    if (RAND_bytes(bytes, sizeof(bytes)) == 1) {
        bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40); /* positive, and always as long */
        number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    }
    if (number)
        done = BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
    BN_free(number);
    return done;
}

static bool put_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;
    bool done;

    if (!value)
        return true;
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    done = extension && X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
    return done;
}

static bool put_extensions(X509 *cert, X509 *issuer, const struct wish *wish)
{
    return put_extension(cert, issuer, NID_basic_constraints, wish->basic) &&
           put_extension(cert, issuer, NID_key_usage, wish->usage) &&
           put_extension(cert, issuer, NID_ext_key_usage, wish->extended) &&
           put_extension(cert, issuer, NID_subject_alt_name, wish->alternative) &&
           put_extension(cert, issuer, NID_subject_key_identifier, "hash") &&
           put_extension(cert, issuer, NID_authority_key_identifier, "keyid:always");
}

/* Valid from a day ago: clocks of a client and a gateway are the same, but not of whoever looks at it elsewhere. */
static bool fill(X509 *cert, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key, const struct wish *wish)
{
    return X509_set_version(cert, 2) && put_serial(cert) && put_name(cert, wish->name) &&
           X509_set_issuer_name(cert, X509_get_subject_name(issuer)) &&
           X509_time_adj_ex(X509_getm_notBefore(cert), -1, 0, NULL) &&
           X509_time_adj_ex(X509_getm_notAfter(cert), DAYS, 0, NULL) && X509_set_pubkey(cert, key) &&
           put_extensions(cert, issuer, wish) && X509_sign(cert, issuer_key, EVP_sha256()) > 0;
}

/* issuer NULL: signs itself. */
static int make(const struct wish *wish, const struct vnl_pki_pair *issuer, struct vnl_pki_pair *ret,
                struct vnl_err **err)
{
    CLEANUP(key_done) EVP_PKEY *key = EVP_EC_gen("P-256"), *issuer_key = issuer ? key_of(issuer->key) : NULL;
    CLEANUP(cert_done) X509 *cert = X509_new(), *issuer_cert = issuer ? cert_of(issuer->certificate) : NULL;

    if (!key || !cert || (issuer && (!issuer_key || !issuer_cert)) ||
        !fill(cert, key, issuer ? issuer_cert : cert, issuer ? issuer_key : key, wish))
        return vnl_fail(err, EINVAL, "a certificate for '%s' cannot be made", wish->name);
    return pair_of(cert, key, ret, err);
}

/* --- keeping -------------------------------------------------------------------------------------- */

/* "root+VNet1GW+P2SRootCert.pem": plus signs are in no name. */
static int file_name(char *buf, size_t size, const char *kind, const char *of, const char *name,
                     struct vnl_err **err)
{
    int len = snprintf(buf, size, "%s+%s%s%s.pem", kind, of, name ? "+" : "", name ? name : "");

    return len < 0 || (size_t)len >= size || strchr(buf, '/')
               ? vnl_fail(err, EINVAL, "'%s' is no name for a certificate", name ? name : of)
               : 0;
}

/* Of a file: a pipe that nobody writes would hold the agent up. */
static char *read_text(int dir_fd, const char *path)
{
    CLEANUP(vnl_fd_close) int fd = openat(dir_fd, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    char *text;
    ssize_t n;

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > PEM_MAX)
        return NULL;
    text = calloc(1, (size_t)st.st_size + 1);
    n = text ? read(fd, text, (size_t)st.st_size) : -1;
    if (n >= 0)
        return text;
    free(text);
    return NULL;
}

static bool load(int dir_fd, const char *file, struct vnl_pki_pair *ret)
{
    CLEANUP(secret_free) char *text = read_text(dir_fd, file);
    CLEANUP(cert_done) X509 *cert = cert_of(text);
    CLEANUP(key_done) EVP_PKEY *key = key_of(text);

    return cert && key && X509_check_private_key(cert, key) && pair_of(cert, key, ret, NULL) == 0;
}

/* Under another name first: it is there whole, or not at all. */
static int store(int dir_fd, const char *file, const struct vnl_pki_pair *pair, struct vnl_err **err)
{
    CLEANUP(vnl_fd_close) int fd = openat(dir_fd, ".pem", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0 || dprintf(fd, "%s%s", pair->key, pair->certificate) < 0 ||
        renameat(dir_fd, ".pem", dir_fd, file) < 0)
        return vnl_fail(err, errno, "certificate %s: %s", file, strerror(errno));
    return 0;
}

static int make_and_store(int dir_fd, const char *file, const struct wish *wish,
                          const struct vnl_pki_pair *issuer, struct vnl_pki_pair *ret, struct vnl_err **err)
{
    int r = make(wish, issuer, ret, err);

    if (r == 0 && (r = store(dir_fd, file, ret, err)) < 0)
        vnl_pki_pair_done(ret);
    return r;
}

/* --- which there are ------------------------------------------------------------------------------ */

static int own_root(int dir_fd, const char *file, const char *name, struct vnl_pki_pair *ret,
                    struct vnl_err **err)
{
    const struct wish wish = { name, "critical,CA:TRUE", "critical,keyCertSign,cRLSign", NULL, NULL };

    return load(dir_fd, file, ret) ? 0 : make_and_store(dir_fd, file, &wish, NULL, ret, err);
}

int vnl_pki_authority(int dir_fd, struct vnl_pki_pair *ret, struct vnl_err **err)
{
    return own_root(dir_fd, "authority.pem", "vnetlab", ret, err);
}

static X509 *decode(const char *data)
{
    size_t len = strlen(data);
    CLEANUP(vnl_str_free) char *bytes = malloc(len + 1);
    const unsigned char *at = (const unsigned char *)bytes;
    int size = bytes && len <= PEM_MAX && len % 4 == 0
                   ? EVP_DecodeBlock((unsigned char *)bytes, (const unsigned char *)data, (int)len)
                   : -1;

    return size > 0 ? d2i_X509(NULL, &at, size) : NULL;
}

int vnl_pki_root(int dir_fd, const char *gateway, const char *name, const char *data,
                 struct vnl_pki_pair *ret, struct vnl_err **err)
{
    CLEANUP(cert_done) X509 *cert = data ? decode(data) : NULL;
    char file[NAME_MAX + 1];
    int r;

    if (cert)
        return pair_of(cert, NULL, ret, err);
    if (data)
        return vnl_fail(err, EINVAL,
                        "publicCertData of root certificate '%s' is not an X.509 certificate in base64",
                        name);
    r = file_name(file, sizeof(file), "root", gateway, name, err);
    return r < 0 ? r : own_root(dir_fd, file, name, ret, err);
}

static bool is_signed(const struct vnl_pki_pair *pair, const struct vnl_pki_pair *by)
{
    CLEANUP(cert_done) X509 *cert = cert_of(pair->certificate), *issuer = cert_of(by->certificate);

    return cert && issuer && X509_verify(cert, X509_get0_pubkey(issuer)) == 1;
}

static bool is_for(const struct vnl_pki_pair *pair, const struct vnl_addr *addrs, size_t n)
{
    CLEANUP(cert_done) X509 *cert = cert_of(pair->certificate);
    char text[VNL_ADDR_STR];
    bool all = cert != NULL;

    for (size_t i = 0; i < n && all; i++)
        all = X509_check_ip_asc(cert, vnl_addr_format(&addrs[i], text), 0) == 1;
    return all;
}

int vnl_pki_server(int dir_fd, const char *gateway, const struct vnl_addr *addrs, size_t n,
                   struct vnl_pki_pair *ret, struct vnl_err **err)
{
    char file[NAME_MAX + 1], alternative[256] = "", text[VNL_ADDR_STR];
    struct vnl_pki_pair authority = { .key = NULL }, pair = { .key = NULL };
    struct wish wish = { gateway, "critical,CA:FALSE", "critical,digitalSignature", "serverAuth",
                         alternative };
    int r = file_name(file, sizeof(file), "server", gateway, NULL, err);

    for (size_t i = 0, len = 0; i < n && len < sizeof(alternative); i++)
        len += (size_t)snprintf(alternative + len, sizeof(alternative) - len, "%sIP:%s", i ? "," : "",
                                vnl_addr_format(&addrs[i], text));
    if (r < 0 || (r = vnl_pki_authority(dir_fd, &authority, err)) < 0)
        return r;
    if (load(dir_fd, file, &pair) && is_signed(&pair, &authority) && is_for(&pair, addrs, n)) {
        *ret = pair;
    } else {
        vnl_pki_pair_done(&pair);
        r = make_and_store(dir_fd, file, &wish, &authority, ret, err);
    }
    vnl_pki_pair_done(&authority);
    return r;
}

int vnl_pki_client(int dir_fd, const char *client, const struct vnl_pki_pair *root, struct vnl_pki_pair *ret,
                   struct vnl_err **err)
{
    const struct wish wish = { client, "critical,CA:FALSE", "critical,digitalSignature", "clientAuth", NULL };
    struct vnl_pki_pair pair = { .key = NULL };
    char file[NAME_MAX + 1];
    int r = file_name(file, sizeof(file), "client", client, NULL, err);

    if (r < 0)
        return r;
    if (load(dir_fd, file, &pair) && is_signed(&pair, root)) {
        *ret = pair;
        return 0;
    }
    vnl_pki_pair_done(&pair);
    return make_and_store(dir_fd, file, &wish, root, ret, err);
}

/* All certificates of a text that may hold other things, too: a key, or words. */
static char *certs_text(const char *pem)
{
    CLEANUP(bio_done) BIO *from = pem ? BIO_new_mem_buf(pem, -1) : NULL, *to = BIO_new(BIO_s_mem());
    bool written = true;

    while (from && to && written) {
        CLEANUP(cert_done) X509 *cert = PEM_read_bio_X509(from, NULL, no_passphrase, NULL);

        if (!cert)
            return text_of(to);
        written = PEM_write_bio_X509(to, cert);
    }
    return NULL;
}

int vnl_pki_read(const char *certificate, const char *key, struct vnl_pki_pair *ret, struct vnl_err **err)
{
    CLEANUP(secret_free) char *cert_file = read_text(AT_FDCWD, certificate);
    CLEANUP(secret_free) char *key_file = read_text(AT_FDCWD, key);
    CLEANUP(cert_done) X509 *cert = cert_of(cert_file);
    CLEANUP(key_done) EVP_PKEY *secret = key_of(key_file);
    struct vnl_pki_pair pair;

    if (!cert)
        return vnl_fail(err, EINVAL, "%s is not a certificate in PEM", certificate);
    if (!secret)
        return vnl_fail(err, EINVAL, "%s is not a private key in PEM without passphrase", key);
    if (!X509_check_private_key(cert, secret))
        return vnl_fail(err, EINVAL, "%s is not the private key of %s", key, certificate);
    pair = (struct vnl_pki_pair){ certs_text(cert_file), key_text(secret) };
    if (!pair.certificate || !pair.key) {
        vnl_pki_pair_done(&pair);
        return vnl_fail(err, ENOMEM, "%s", certificate);
    }
    *ret = pair;
    return 0;
}
