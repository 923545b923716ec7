/* IPsec policies: their words, what goes together, and what that is to strongSwan. Spec 7.3, 7.4.
 *
 * The tables are the vocabularies: a word that is not there is refused, and hints are made of them. */
#include "gateway.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LIFETIME_MIN_S   300u
#define LIFETIME_MIN_KIB 1024u

struct word {
    const char *azure;
    const char *strong; /* NULL: nothing is said */
    bool gcm;           /* encryption and integrity in one */
};

static const struct word ike_encryptions[] = {
    { "GCMAES256", "aes256gcm16", true },
    { "GCMAES128", "aes128gcm16", true },
    { "AES256", "aes256" },
    { "AES192", "aes192" },
    { "AES128", "aes128" },
    { "DES3", "3des" },
    { "DES", "des" },
};

/* With GCM the integrity says which hash makes the keys. */
static const struct word ike_integrities[] = {
    { "SHA384", "sha384" }, { "SHA256", "sha256" },          { "SHA1", "sha1" },
    { "MD5", "md5" },       { "GCMAES256", "sha384", true }, { "GCMAES128", "sha256", true },
};

static const struct word dh_groups[] = {
    { "DHGroup24", "modp2048s256" }, { "ECP384", "ecp384" },
    { "ECP256", "ecp256" },          { "DHGroup14", "modp2048" },
    { "DHGroup2048", "modp2048" },   { "DHGroup2", "modp1024" },
    { "DHGroup1", "modp768" },       { "None", NULL },
};

static const struct word ipsec_encryptions[] = {
    { "GCMAES256", "aes256gcm16", true },
    { "GCMAES192", "aes192gcm16", true },
    { "GCMAES128", "aes128gcm16", true },
    { "AES256", "aes256" },
    { "AES192", "aes192" },
    { "AES128", "aes128" },
    { "DES3", "3des" },
    { "DES", "des" },
    { "None", "null" },
};

static const struct word ipsec_integrities[] = {
    { "GCMAES256", NULL, true }, { "GCMAES192", NULL, true }, { "GCMAES128", NULL, true },
    { "SHA256", "sha256" },      { "SHA1", "sha1" },          { "MD5", "md5" },
};

/* PFSMM: as in phase 1. */
static const struct word pfs_groups[] = {
    { "PFS24", "modp2048s256" }, { "ECP384", "ecp384" },  { "ECP256", "ecp256" },
    { "PFS2048", "modp2048" },   { "PFS14", "modp2048" }, { "PFS2", "modp1024" },
    { "PFS1", "modp768" },       { "PFSMM", NULL },       { "None", NULL },
};

/* The six fields that are words. */
static const struct field {
    const char *name;
    size_t at;
    const struct word *words;
    size_t n;
} fields[] = {
#define FIELD(name, member, words)                                                                           \
    {                                                                                                        \
        name, offsetof(struct vnl_ipsec_policy, member), words, ARRAY_SIZE(words)                            \
    }
    FIELD("ikeEncryption", ike_encryption, ike_encryptions),
    FIELD("ikeIntegrity", ike_integrity, ike_integrities),
    FIELD("dhGroup", dh_group, dh_groups),
    FIELD("ipsecEncryption", ipsec_encryption, ipsec_encryptions),
    FIELD("ipsecIntegrity", ipsec_integrity, ipsec_integrities),
    FIELD("pfsGroup", pfs_group, pfs_groups),
#undef FIELD
};

static const struct word *find(const struct word *words, size_t n, const char *text)
{
    for (size_t i = 0; text && i < n; i++) {
        if (strcasecmp(words[i].azure, text) == 0)
            return &words[i];
    }
    return NULL;
}
#define FIND(words, text) find(words, ARRAY_SIZE(words), text)

void vnl_ipsec_policy_done(struct vnl_ipsec_policy *policy)
{
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        free(*(char **)((char *)policy + fields[i].at));
}

/* --- rules ------------------------------------------------------------------------------------------- */

static char *word_hint(const struct field *field, const char *text)
{
    CLEANUP(vnl_names_done) struct vnl_names names = { 0 };
    CLEANUP(vnl_str_free) char *near = NULL;

    for (size_t i = 0; i < field->n; i++)
        (void)vnl_names_add(&names, field->words[i].azure);
    near = vnl_did_you_mean(text, &names);
    return near ? TAKE_PTR(near) : vnl_names_join(&names, names.n);
}

/* Whose policy is checked; who: "connection 'x'". */
struct owner {
    const struct vnl_ipsec_policy *policy;
    const char *id, *who;
};

/* Words are written in any case and kept as Azure spells them. */
static void check_word(struct vnl_check *check, const struct owner *owner, const struct field *field)
{
    char *text = *(char *const *)((const char *)owner->policy + field->at);
    const struct word *word = find(field->words, field->n, text);
    CLEANUP(vnl_str_free) char *hint = NULL;

    if (word) {
        memcpy(text, word->azure, strlen(word->azure));
        return;
    }
    if (!text) {
        vnl_mistake(check, "BadRequest", &owner->policy->src, owner->id, "all eight fields are required",
                    "The IPsec policy of %s has no %s", owner->who, field->name);
        return;
    }
    hint = word_hint(field, text);
    vnl_mistake(check, "BadRequest", &owner->policy->src, owner->id, hint, "%s of %s cannot be '%s'",
                field->name, owner->who, text);
}

static void check_ike(struct vnl_check *check, const struct owner *owner)
{
    const struct vnl_ipsec_policy *policy = owner->policy;
    const struct word *encryption = FIND(ike_encryptions, policy->ike_encryption);
    const struct word *integrity = FIND(ike_integrities, policy->ike_integrity);

    if (encryption && integrity && integrity->gcm && !encryption->gcm)
        vnl_mistake(check, "BadRequest", &policy->src, owner->id, "such as SHA256",
                    "ikeIntegrity %s of %s goes with GCM encryption only, and ikeEncryption is "
                    "%s",
                    integrity->azure, owner->who, encryption->azure);
    if (policy->dh_group && strcasecmp(policy->dh_group, "None") == 0)
        vnl_mistake(check, "BadRequest", &policy->src, owner->id, "such as DHGroup14",
                    "dhGroup of %s cannot be None: IKE has no key without a group", owner->who);
}

/* Source: spec 7.3: with GCM the two must be equal. */
static void check_esp(struct vnl_check *check, const struct owner *owner)
{
    const struct vnl_ipsec_policy *policy = owner->policy;
    const struct word *encryption = FIND(ipsec_encryptions, policy->ipsec_encryption);
    const struct word *integrity = FIND(ipsec_integrities, policy->ipsec_integrity);

    if (encryption && integrity && (encryption->gcm || integrity->gcm) &&
        strcmp(encryption->azure, integrity->azure) != 0)
        vnl_mistake(check, "BadRequest", &policy->src, owner->id,
                    "with GCM both are the same word: it is encryption and integrity in one",
                    "ipsecEncryption %s and ipsecIntegrity %s of %s do not go together", encryption->azure,
                    integrity->azure, owner->who);
}

static void check_lifetimes(struct vnl_check *check, const struct owner *owner)
{
    const struct vnl_ipsec_policy *policy = owner->policy;
    const struct {
        const char *name;
        uint32_t value, min;
    } limits[] = { { "saLifeTimeSeconds", policy->lifetime_s, LIFETIME_MIN_S },
                   { "saDataSizeKilobytes", policy->lifetime_kib, LIFETIME_MIN_KIB } };

    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        if (limits[i].value == 0)
            vnl_mistake(check, "BadRequest", &policy->src, owner->id, "all eight fields are required",
                        "The IPsec policy of %s has no %s", owner->who, limits[i].name);
        else if (limits[i].value < limits[i].min)
            vnl_mistake(check, "BadRequest", &policy->src, owner->id, NULL,
                        "%s of %s is %u; at least %u is needed", limits[i].name, owner->who, limits[i].value,
                        limits[i].min);
    }
}

/* Source: spec 3: not on SKU Basic. */
static void check_sku(struct vnl_check *check, const struct vnl_connection *connection)
{
    const struct vnl_vpn_gateway *gateway = connection->gateway1;
    const struct vnl_gateway_sku *sku =
        gateway && gateway->sku ? vnl_gateway_sku_lookup(gateway->sku, gateway->generation) : NULL;

    if (sku && sku->basic)
        vnl_mistake(check, "BadRequest", &connection->policy.src, connection->id, NULL,
                    "Connection '%s' cannot have an IPsec policy: virtual network gateway '%s' is Basic",
                    connection->name, gateway->name);
}

void vnl_ipsec_words_check(struct vnl_check *check, const struct vnl_ipsec_policy *policy, const char *id,
                           const char *who)
{
    const struct owner owner = { policy, id, who };

    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        check_word(check, &owner, &fields[i]);
    check_ike(check, &owner);
    check_esp(check, &owner);
    check_lifetimes(check, &owner);
}

void vnl_ipsec_policy_check(struct vnl_check *check, const struct vnl_connection *connection)
{
    CLEANUP(vnl_str_free) char *who = NULL;

    if (!connection->policy.written)
        return;
    if (asprintf(&who, "connection '%s'", connection->name) < 0) {
        who = NULL;
        vnl_check_nomem(check, "connection");
        return;
    }
    vnl_ipsec_words_check(check, &connection->policy, connection->id, who);
    check_sku(check, connection);
}

bool vnl_ipsec_policy_known(const struct vnl_ipsec_policy *policy)
{
    const char *group = policy->dh_group;

    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        if (!find(fields[i].words, fields[i].n, *(char *const *)((const char *)policy + fields[i].at)))
            return false;
    }
    return strcasecmp(group, "None") != 0;
}

/* --- strongSwan's words ------------------------------------------------------------------------------ */

/* Azure as initiator: spec 7.1, 7.2. */
#define IKE_DEFAULT                                                                                          \
    "aes256-sha1-modp1024,aes256-sha256-modp1024,aes128-sha1-modp1024,aes128-sha256-modp1024,"               \
    "3des-sha1-modp1024,3des-sha256-modp1024"
#define ESP_DEFAULT "aes256gcm16,aes256-sha1,3des-sha1,aes256-sha256,aes128-sha1,3des-sha256"

char *vnl_ike_proposals(const struct vnl_ipsec_policy *policy)
{
    const struct word *encryption, *integrity, *group;
    char *text = NULL;

    if (!policy->written)
        return strdup(IKE_DEFAULT);
    encryption = FIND(ike_encryptions, policy->ike_encryption);
    integrity = FIND(ike_integrities, policy->ike_integrity);
    group = FIND(dh_groups, policy->dh_group);
    if (asprintf(&text, "%s-%s%s-%s", encryption->strong, encryption->gcm ? "prf" : "", integrity->strong,
                 group->strong) < 0)
        return NULL;
    return text;
}

static const char *pfs_of(const struct vnl_ipsec_policy *policy)
{
    if (strcasecmp(policy->pfs_group, "PFSMM") == 0)
        return FIND(dh_groups, policy->dh_group)->strong;
    return FIND(pfs_groups, policy->pfs_group)->strong;
}

char *vnl_esp_proposals(const struct vnl_ipsec_policy *policy)
{
    const struct word *encryption, *integrity;
    const char *pfs;
    char *text = NULL;

    if (!policy->written)
        return strdup(ESP_DEFAULT);
    encryption = FIND(ipsec_encryptions, policy->ipsec_encryption);
    integrity = FIND(ipsec_integrities, policy->ipsec_integrity);
    pfs = pfs_of(policy);
    if (asprintf(&text, "%s%s%s%s%s", encryption->strong, integrity->strong ? "-" : "",
                 integrity->strong ? integrity->strong : "", pfs ? "-" : "", pfs ? pfs : "") < 0)
        return NULL;
    return text;
}

/* IKEv2 of point-to-site: spec 13. */
#define GROUPS(suite) suite "-modp2048s256," suite "-modp2048," suite "-ecp384," suite "-ecp256,"
#define P2S_IKE_DEFAULT                                                                                      \
    GROUPS("aes256gcm16-prfsha384")                                                                          \
    GROUPS("aes256gcm16-prfsha256")                                                                          \
    GROUPS("aes256-sha384") GROUPS("aes256-sha256") "aes256-sha256-modp1024"
#define P2S_ESP_DEFAULT                                                                                      \
    "aes256gcm16," GROUPS("aes256gcm16") "aes256-sha256," GROUPS("aes256-sha256") "aes256-sha1"

char *vnl_p2s_ike_proposals(const struct vnl_ipsec_policy *policy)
{
    return policy->written ? vnl_ike_proposals(policy) : strdup(P2S_IKE_DEFAULT);
}

char *vnl_p2s_esp_proposals(const struct vnl_ipsec_policy *policy)
{
    return policy->written ? vnl_esp_proposals(policy) : strdup(P2S_ESP_DEFAULT);
}
