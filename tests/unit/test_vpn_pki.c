/* Certificates of point-to-site: made once, kept, and judged as a gateway judges them. openssl(1) is asked where it can tell. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../ctl/agent/pki.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"

static char run_dir[] = "/tmp/vnetlab-pki-XXXXXX";
static int dir_fd = -1;

static const struct vnl_addr addrs[] = { { AF_INET, { 203, 0, 113, 1 } }, { AF_INET, { 203, 0, 113, 2 } } };

static const char *sh(const char *command)
{
    static char text[8192];
    FILE *pipe = popen(command, "r");
    size_t n = pipe ? fread(text, 1, sizeof(text) - 1, pipe) : 0;

    assert_non_null(pipe);
    (void)pclose(pipe);
    text[n] = '\0';
    return text;
}

static int setup(void **state)
{
    char path[64];

    (void)state;
    assert_non_null(mkdtemp(run_dir));
    (void)snprintf(path, sizeof(path), "%s/lab", run_dir);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chdir(path), 0);
    setenv("VNETLAB_RUN_DIR", run_dir, 1);
    dir_fd = vnl_pki_open("lab", NULL);
    assert_true(dir_fd >= 0);
    return 0;
}

static int teardown(void **state)
{
    char command[64];

    (void)state;
    vnl_fd_close(&dir_fd);
    (void)snprintf(command, sizeof(command), "rm -rf %s", run_dir);
    return system(command);
}

static struct vnl_pki_pair root(const char *name, const char *data)
{
    struct vnl_pki_pair pair;

    assert_int_equal(vnl_pki_root(dir_fd, "VNet1GW", name, data, &pair, NULL), 0);
    return pair;
}

static struct vnl_pki_pair client(const char *name, const struct vnl_pki_pair *of)
{
    struct vnl_pki_pair pair;

    assert_int_equal(vnl_pki_client(dir_fd, name, of, &pair, NULL), 0);
    return pair;
}

static void made_once_and_kept(void **state)
{
    CLEANUP(vnl_pki_pair_done) struct vnl_pki_pair first = root("P2SRootCert", NULL);
    CLEANUP(vnl_pki_pair_done) struct vnl_pki_pair again = root("P2SRootCert", NULL);
    CLEANUP(vnl_pki_pair_done) struct vnl_pki_pair other = root("other", NULL);
    CLEANUP(vnl_pki_pair_done) struct vnl_pki_pair laptop = client("laptop", &first);
    CLEANUP(vnl_pki_pair_done) struct vnl_pki_pair laptop_again = client("laptop", &first);
    CLEANUP(vnl_pki_pair_done) struct vnl_pki_pair moved = client("laptop", &other);

    (void)state;
    assert_string_equal(first.certificate, again.certificate);
    assert_string_equal(first.key, again.key);
    assert_string_not_equal(first.certificate, other.certificate);
    assert_string_equal(laptop.certificate, laptop_again.certificate);
    assert_string_not_equal(laptop.certificate, moved.certificate);
    assert_string_equal(sh("find vpn/pki -type f | xargs stat -c %a | sort -u"), "600\n");
    assert_string_equal(sh("stat -c %a vpn vpn/pki"), "700\n700\n");
    assert_string_equal(sh("cd vpn/pki && ls -A"),
                        "client+laptop.pem\nroot+VNet1GW+P2SRootCert.pem\nroot+VNet1GW+other.pem\n");
}

static void gateway_has_one_for_its_addresses(void **state)
{
    CLEANUP(vnl_pki_pair_done) struct vnl_pki_pair one = { .key = NULL }, same = { .key = NULL };
    CLEANUP(vnl_pki_pair_done) struct vnl_pki_pair two = { .key = NULL };

    (void)state;
    assert_int_equal(vnl_pki_server(dir_fd, "VNet1GW", addrs, 1, &one, NULL), 0);
    assert_int_equal(vnl_pki_server(dir_fd, "VNet1GW", addrs, 1, &same, NULL), 0);
    assert_string_equal(one.certificate, same.certificate);
    assert_int_equal(vnl_pki_server(dir_fd, "VNet1GW", addrs, 2, &two, NULL), 0);
    assert_string_not_equal(one.certificate, two.certificate);
    assert_string_equal(sh("openssl x509 -in vpn/pki/server+VNet1GW.pem -noout -subject -issuer -ext "
                           "subjectAltName | tr -d ' '"),
                        "subject=CN=VNet1GW\nissuer=CN=vnetlab\nX509v3SubjectAlternativeName:\n"
                        "IPAddress:203.0.113.1,IPAddress:203.0.113.2\n");
    assert_string_equal(sh("openssl verify -CAfile vpn/pki/authority.pem -verify_ip 203.0.113.2 "
                           "vpn/pki/server+VNet1GW.pem"),
                        "vpn/pki/server+VNet1GW.pem: OK\n");
}

static void thumbprint_is_openssls(void **state)
{
    CLEANUP(vnl_pki_pair_done) struct vnl_pki_pair of = root("P2SRootCert", NULL);
    CLEANUP(vnl_pki_pair_done) struct vnl_pki_pair laptop = client("laptop", &of);
    char thumbprint[VNL_PKI_THUMBPRINT_STR] = "", line[64];

    (void)state;
    assert_int_equal(vnl_pki_thumbprint(laptop.certificate, thumbprint), 0);
    (void)snprintf(line, sizeof(line), "%s\n", thumbprint);
    assert_string_equal(sh("openssl x509 -in vpn/pki/client+laptop.pem -noout -fingerprint -sha1 "
                           "| sed 's/.*=//' | tr -d :"),
                        line);
    assert_int_equal(vnl_pki_thumbprint("nothing", thumbprint), -EINVAL);
    assert_int_equal(strlen(thumbprint), 40); /* untouched */
}

static const char *refusal(const struct vnl_pki_pair *pair, const struct vnl_pki_pair *of,
                           const char *revoked)
{
    const char *roots[] = { of->certificate }, *list[] = { revoked };

    return vnl_pki_refusal(pair->certificate, roots, 1, list, revoked ? 1 : 0);
}

static void foreign_and_revoked_ones_are_refused(void **state)
{
    CLEANUP(vnl_pki_pair_done) struct vnl_pki_pair of = root("P2SRootCert", NULL);
    CLEANUP(vnl_pki_pair_done) struct vnl_pki_pair foreign = root("other", NULL);
    CLEANUP(vnl_pki_pair_done) struct vnl_pki_pair laptop = client("laptop", &of);
    char thumbprint[VNL_PKI_THUMBPRINT_STR];

    (void)state;
    assert_null(refusal(&laptop, &of, NULL));
    assert_null(refusal(&laptop, &of, "0000000000000000000000000000000000000000"));
    assert_string_equal(refusal(&laptop, &foreign, NULL),
                        "certificate is not signed by a root certificate of the gateway");
    assert_int_equal(vnl_pki_thumbprint(laptop.certificate, thumbprint), 0);
    assert_string_equal(refusal(&laptop, &of, thumbprint), "certificate is revoked");
    for (char *at = thumbprint; *at; at++)
        *at |= ' ' * (*at >= 'A');
    assert_string_equal(refusal(&laptop, &of, thumbprint), "certificate is revoked");
}

static void root_of_the_users(void **state)
{
    CLEANUP(vnl_pki_pair_done) struct vnl_pki_pair of = root("P2SRootCert", NULL);
    CLEANUP(vnl_pki_pair_done) struct vnl_pki_pair laptop = client("laptop", &of);
    CLEANUP(vnl_str_free)
    char *data = strdup(sh("openssl x509 -in vpn/pki/root+VNet1GW+P2SRootCert.pem "
                           "-outform der | base64 -w 0"));
    CLEANUP(vnl_pki_pair_done) struct vnl_pki_pair users = root("Users", data);

    (void)state;
    assert_string_equal(users.certificate, of.certificate);
    assert_null(users.key);
    assert_null(refusal(&laptop, &users, NULL));
}

static void broken_data_is_a_clear_error(void **state)
{
    static const char *const rows[] = { "MIIC", "not base64", "", "MAAA", "AAA=" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
        struct vnl_pki_pair pair = { .key = (char *)"untouched" };

        assert_int_equal(vnl_pki_root(dir_fd, "VNet1GW", "Broken", rows[i], &pair, &err), -EINVAL);
        assert_string_equal(
            err->msg, "publicCertData of root certificate 'Broken' is not an X.509 certificate in base64");
        assert_string_equal(pair.key, "untouched");
    }
}

static void assert_not_read(const char *certificate, const char *key, const char *message)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_pki_pair pair;

    assert_int_equal(vnl_pki_read(certificate, key, &pair, &err), -EINVAL);
    assert_string_equal(err->msg, message);
}

static void files_of_the_users(void **state)
{
    CLEANUP(vnl_pki_pair_done) struct vnl_pki_pair pair = { .key = NULL };

    (void)state;
    (void)sh("cd vpn/pki && sed -n '/BEGIN CERT/,$p' client+laptop.pem > ../../cert.pem && "
             "sed '/BEGIN CERT/,$d' client+laptop.pem > ../../key.pem && "
             "sed '/BEGIN CERT/,$d' authority.pem > ../../other.pem && cd ../.. && "
             "openssl pkey -in key.pem -aes128 -passout pass:x -out secret.pem");
    assert_int_equal(vnl_pki_read("cert.pem", "key.pem", &pair, NULL), 0);
    assert_non_null(strstr(pair.certificate, "BEGIN CERTIFICATE"));
    assert_non_null(strstr(pair.key, "PRIVATE KEY"));
    vnl_pki_pair_done(&pair);
    (void)sh("cat key.pem cert.pem vpn/pki/authority.pem > all.pem");
    assert_int_equal(vnl_pki_read("all.pem", "all.pem", &pair, NULL), 0);
    assert_int_equal(strncmp(pair.certificate, "-----BEGIN CERTIFICATE-----", 27), 0);
    assert_non_null(
        strstr(pair.certificate + 1, "-----BEGIN CERTIFICATE-----")); /* with what it is signed by */
    assert_null(strstr(pair.certificate, "PRIVATE"));
    assert_not_read("key.pem", "key.pem", "key.pem is not a certificate in PEM");
    assert_not_read("none.pem", "key.pem", "none.pem is not a certificate in PEM");
    assert_not_read("cert.pem", "cert.pem", "cert.pem is not a private key in PEM without passphrase");
    assert_not_read("cert.pem", "secret.pem", "secret.pem is not a private key in PEM without passphrase");
    assert_not_read("cert.pem", "other.pem", "other.pem is not the private key of cert.pem");
}

/* Whoever reads one waits for who writes it: nobody. */
static void file_that_never_ends_is_not_waited_for(void **state)
{
    (void)state;
    (void)sh("mkfifo fifo.pem");
    (void)alarm(10);
    assert_not_read("fifo.pem", "key.pem", "fifo.pem is not a certificate in PEM");
    assert_not_read("cert.pem", "fifo.pem", "fifo.pem is not a private key in PEM without passphrase");
    (void)alarm(0);
}

static void names_lead_to_no_other_directory(void **state)
{
    CLEANUP(vnl_err_free) struct vnl_err *err = NULL;
    struct vnl_pki_pair pair;

    (void)state;
    assert_int_equal(vnl_pki_root(dir_fd, "VNet1GW", "../../x", NULL, &pair, &err), -EINVAL);
    assert_string_equal(err->msg, "'../../x' is no name for a certificate");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_once_and_kept),
        cmocka_unit_test(gateway_has_one_for_its_addresses),
        cmocka_unit_test(thumbprint_is_openssls),
        cmocka_unit_test(foreign_and_revoked_ones_are_refused),
        cmocka_unit_test(root_of_the_users),
        cmocka_unit_test(broken_data_is_a_clear_error),
        cmocka_unit_test(files_of_the_users),
        cmocka_unit_test(names_lead_to_no_other_directory),
        cmocka_unit_test(file_that_never_ends_is_not_waited_for),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
