/* What to do about a fault of the identity platform or of Graph. */
#include "advice.h"

#include <string.h>

static const struct advice {
    const char *code; /* some part of the fault's */
    const char *text;
} token_advices[] = {
    /* Microsoft identity platform: authentication and authorization errors. */
    {"AADSTS7000215", "client_secret_file does not hold the secret's value (is "
                      "it the secret's id?)"},
    {"AADSTS7000222", "the secret has expired: make a new one in Entra and put "
                      "it into client_secret_file"},
    {"AADSTS700027", "the certificate is not registered with the application, "
                     "has expired, or the key is another's"},
    {"AADSTS700024", "the assertion is not valid now: is this machine's clock "
                     "right?"},
    {"AADSTS700016", "the tenant has no such application: are tenant_id and "
                     "client_id right, and has an administrator consented?"},
    {"AADSTS90002", "there is no such tenant: are tenant_id and cloud right?"},
    {"AADSTS90038", "the tenant is in another cloud: see to `cloud`"},
    {"AADSTS53003", "a policy of conditional access forbids it"},
    {"invalid_client", "the secret or the certificate is wrong or has expired"},
    {"unauthorized_client", "the application may not do this, or is not in the "
                            "tenant: are tenant_id and client_id right?"},
    {"invalid_scope", "does `cloud` fit the tenant and login_url?"},
    {"invalid_resource", "does `cloud` fit the tenant and login_url?"},
    {"invalid_request", "are tenant_id and login_url right?"},
    {"temporarily_unavailable", "try again later"},
};

#define TOKEN_ADVICES (sizeof(token_advices) / sizeof(*token_advices))

/* There was no answer: what the fault says is libcurl's reason. */
static const char unreachable[] = "see to DNS, the firewall, `proxy` and "
                                  "`ca_file`";

static const char later[] = "try again later";

const char *advice_token(const struct fault *fault)
{
    for (size_t i = 0; i < TOKEN_ADVICES; i++)
        if (strstr(fault->code, token_advices[i].code))
            return token_advices[i].text;
    if (fault->status == 0)
        return "see to the files that the settings name, DNS, the firewall, "
               "`proxy` and `ca_file`";
    if (fault->status == 429 || fault->status >= 500)
        return later;
    return "is login_url right?";
}

const char *advice_graph(const struct fault *fault)
{
    if (fault->status == 0)
        return unreachable;
    if (fault->status == 401)
        return "Graph does not take the token: do `cloud` and graph_url fit "
               "each other?";
    if (fault->status == 403)
        return "the application lacks the permission, or the administrator's "
               "consent";
    if (fault->status == 429 || fault->status >= 500)
        return later;
    return "is graph_url right?";
}
