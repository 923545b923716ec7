/* The instance metadata service (169.254.169.254): a request to its answer. */
#ifndef VNETLAB_AGENT_IMDS_H
#define VNETLAB_AGENT_IMDS_H

#include <stdbool.h>

struct vnl_err;
struct vnl_plan;
struct vnl_plan_nic;

struct vnl_imds_request {
    const char *path;        /* decoded, without the query */
    const char *api_version; /* query parameters; NULL: not given */
    const char *format;
    bool metadata;  /* header "Metadata: true" */
    bool forwarded; /* header "X-Forwarded-For": a proxy is in between */
};

struct vnl_imds_answer {
    unsigned status; /* of HTTP */
    bool json;       /* else plain text */
    char *text;      /* owned */
};

/* from: who asks; NULL when that is no guest of the lab. 0 or -ENOMEM. */
int vnl_imds_answer(const struct vnl_plan *plan, const struct vnl_plan_nic *from,
                    const struct vnl_imds_request *request, struct vnl_imds_answer *ret,
                    struct vnl_err **err);

#endif
