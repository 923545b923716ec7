/* Paths lead into the document member by member, as in Azure: /metadata/instance/network/interface/0/macAddress. A leaf is text only,
 * and format=text of a container lists what is in it, with a slash behind containers.
 *
 * Sentences of errors: those of Azure where they are known ("Azure Instance Metadata Service", errors and debugging;
 * github.com/MicrosoftDocs/azure-compute-docs pull request 289). That a leaf as JSON is refused with 400: azure-docs issue 15283. */
#include "imds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "imds_document.h"
#include "vnetlab/base.h"
#include "vnetlab/err.h"
#include "vnetlab/json.h"
#include "vnetlab/plan.h"

#define NEWEST 3

static const char *const versions[] = {
    "2017-03-01", "2017-04-02", "2017-08-01", "2017-10-01", "2017-12-01", "2018-02-01", "2018-04-02",
    "2018-10-01", "2019-02-01", "2019-03-11", "2019-04-30", "2019-06-01", "2019-06-04", "2019-08-01",
    "2019-08-15", "2019-11-01", "2020-06-01", "2020-07-15", "2020-09-01", "2020-10-01", "2020-12-01",
    "2021-01-01", "2021-02-01", "2021-03-01", "2021-05-01", "2021-10-01", "2021-11-01", "2021-11-15",
    "2021-12-13", "2023-07-01", "2023-11-15", "2024-03-15", "2024-07-17", "2025-04-07",
};

static bool is_version(const char *text)
{
    for (size_t i = 0; text && i < ARRAY_SIZE(versions); i++)
        if (strcmp(versions[i], text) == 0)
            return true;
    return false;
}

/* Takes the value. */
static int answer_json(unsigned status, struct vnl_json *value, struct vnl_imds_answer *ret,
                       struct vnl_err **err)
{
    CLEANUP(vnl_json_free) struct vnl_json *owned = value;
    char *text = NULL;
    int r = vnl_json_format(owned, 0, &text, err);

    if (r == 0)
        *ret = (struct vnl_imds_answer){ .status = status, .json = true, .text = text };
    return r;
}

static int answer_text(char *text, struct vnl_imds_answer *ret, struct vnl_err **err)
{
    if (!text)
        return vnl_fail(err, ENOMEM, "instance metadata");
    *ret = (struct vnl_imds_answer){ .status = 200, .text = text };
    return 0;
}

static int refuse(unsigned status, const char *sentence, struct vnl_imds_answer *ret, struct vnl_err **err)
{
    struct vnl_json *json = vnl_json_object();

    if (vnl_json_set(json, "error", vnl_json_str(sentence)) < 0)
        vnl_json_free(&json);
    return answer_json(status, json, ret, err);
}

static int refuse_version(struct vnl_imds_answer *ret, struct vnl_err **err)
{
    static const char sentence[] =
        "Bad request. api-version is invalid or was not specified in the request. For more information refer "
        "to aka.ms/azureimds";
    struct vnl_json *json = vnl_json_object(), *newest = vnl_json_array();
    bool bad = vnl_json_set(json, "error", vnl_json_str(sentence)) < 0;

    for (size_t i = 1; i <= NEWEST; i++)
        bad |= vnl_json_push(newest, vnl_json_str(versions[ARRAY_SIZE(versions) - i])) < 0;
    bad |= vnl_json_set(json, "newest-versions", newest) < 0;
    if (bad)
        vnl_json_free(&json);
    return answer_json(400, json, ret, err);
}

static int answer_versions(struct vnl_imds_answer *ret, struct vnl_err **err)
{
    struct vnl_json *json = vnl_json_object(), *list = vnl_json_array();
    bool bad = false;

    for (size_t i = 0; i < ARRAY_SIZE(versions); i++)
        bad |= vnl_json_push(list, vnl_json_str(versions[i])) < 0;
    bad |= vnl_json_set(json, "apiVersions", list) < 0;
    if (bad)
        vnl_json_free(&json);
    return answer_json(200, json, ret, err);
}

/* --- nodes ---------------------------------------------------------------------------------------- */

static const struct vnl_json *child_of(const struct vnl_json *node, const char *word)
{
    char *end;
    unsigned long index;

    if (vnl_json_is_object(node))
        return vnl_json_get(node, word);
    if (!vnl_json_is_array(node) || *word < '0' || *word > '9')
        return NULL;
    index = strtoul(word, &end, 10);
    return *end || index >= vnl_json_len(node) ? NULL : vnl_json_at(node, index);
}

static const struct vnl_json *walk(const struct vnl_json *node, const char *path)
{
    char word[128];

    for (path += strspn(path, "/"); node && *path; path += strspn(path, "/")) {
        size_t len = strcspn(path, "/");

        if (len >= sizeof(word))
            return NULL;
        memcpy(word, path, len);
        word[len] = '\0';
        node = child_of(node, word);
        path += len;
    }
    return node;
}

static bool is_leaf(const struct vnl_json *node)
{
    return !vnl_json_is_object(node) && !vnl_json_is_array(node);
}

static char *list_children(const struct vnl_json *node)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    for (size_t i = 0; i < vnl_json_len(node); i++) {
        const char *key = vnl_json_is_object(node) ? vnl_json_key_at(node, i) : NULL;
        const struct vnl_json *child = key ? vnl_json_get(node, key) : vnl_json_at(node, i);

        if (i)
            (void)fputc('\n', out);
        if (key)
            (void)fputs(key, out);
        else
            (void)fprintf(out, "%zu", i);
        if (!is_leaf(child))
            (void)fputc('/', out);
    }
    (void)fclose(out);
    return text;
}

static int answer_node(const struct vnl_json *node, bool as_text, struct vnl_imds_answer *ret,
                       struct vnl_err **err)
{
    char *text = NULL;
    int r;

    if (!is_leaf(node) && as_text)
        return answer_text(list_children(node), ret, err);
    if (is_leaf(node) && as_text)
        return answer_text(strdup(vnl_json_text(node) ? vnl_json_text(node) : ""), ret, err);
    if (is_leaf(node))
        return refuse(400, "Bad request. The value is text: format=text is required", ret, err);
    r = vnl_json_format(node, 0, &text, err);
    if (r == 0)
        *ret = (struct vnl_imds_answer){ .status = 200, .json = true, .text = text };
    return r;
}

/* --- requests ------------------------------------------------------------------------------------- */

/* What follows `prefix` in the path, at a slash or the end; NULL when it is another path. */
static const char *below(const char *path, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncasecmp(path, prefix, len) == 0 && (!path[len] || path[len] == '/') ? path + len : NULL;
}

static int answer_instance(const struct vnl_plan *plan, const struct vnl_plan_nic *from, const char *path,
                           bool as_text, struct vnl_imds_answer *ret, struct vnl_err **err)
{
    CLEANUP(vnl_json_free) struct vnl_json *document = vnl_imds_document(plan, &plan->vms[from->vm]);
    const struct vnl_json *node;

    if (!document)
        return vnl_fail(err, ENOMEM, "instance metadata");
    node = walk(document, path);
    return node ? answer_node(node, as_text, ret, err) : refuse(404, "Not found", ret, err);
}

int vnl_imds_answer(const struct vnl_plan *plan, const struct vnl_plan_nic *from,
                    const struct vnl_imds_request *request, struct vnl_imds_answer *ret, struct vnl_err **err)
{
    bool as_text = request->format && strcasecmp(request->format, "text") == 0;
    const char *rest = below(request->path, "/metadata/instance");

    if (!request->metadata || request->forwarded)
        return refuse(400, "Bad request. Required metadata header not specified", ret, err);
    if (!from)
        return refuse(403, "Forbidden", ret, err);
    if (below(request->path, "/metadata/versions"))
        return answer_versions(ret, err);
    if (below(request->path, "/metadata") && !is_version(request->api_version))
        return refuse_version(ret, err);
    if (!rest)
        return refuse(404, "Not found", ret, err);
    if (request->format && !as_text && strcasecmp(request->format, "json") != 0)
        return refuse(400, "Bad request. format is json or text", ret, err);
    return answer_instance(plan, from, rest, as_text, ret, err);
}
