/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "trust.h"

#include "base/containers-conf.h"
#include "base/error.h"
#include "base/journal.h"
#include "base/registries-d.h"
#include "registry/attachment.h"
#include "registry/lookaside.h"
#include "registry/trust.h"
#include "resolve.h"
#include <syslog.h>

#define DEFAULT_LOOKASIDE "file:///var/lib/containers/sigstore"

/* The rule for one image. */
typedef struct {
        char *file;
        ScPolicy *policy;         /* NULL: there is none */
        const ScPolicyRule *rule; /* of the policy */
        ScDockerName *name;       /* NULL: it did not come from a registry */
} Trust;

static void trust_clear(Trust *trust)
{
        g_free(trust->file);
        sc_policy_free(trust->policy);
        sc_docker_name_free(trust->name);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Trust, trust_clear)

/* No file is no policy; one that cannot be read lets nothing in. */
static bool read_policy(Trust *trust, const ScScope *scope, GError **error)
{
        g_autofree char *text = NULL;
        gsize size;
        if (!sc_containers_read(scope, "policy.json", SC_POLICY_MAX_SIZE, &trust->file, &text, &size, error))
                return sc_prefix(error, "No image is let in: the policy cannot be read");
        if (text == NULL)
                return true;
        g_autofree char *what = g_strdup_printf("policy %s", trust->file);
        trust->policy = sc_policy_parse(text, (gssize)size, what, error);
        return trust->policy != NULL || sc_prefix(error, "No image is let in");
}

/* reference NULL: it has no name by which a policy knows it. */
static bool find_rule(Trust *trust, const ScOpContext *context, const char *transport, const ScReference *reference, GError **error)
{
        if (!read_policy(trust, context->config->scope, error))
                return false;
        /* An engine's images have scopes by their names, too, but nobody signs them for it. */
        bool of_registry = g_strcmp0(transport, "docker") == 0, of_engine = g_strcmp0(transport, "docker-daemon") == 0;
        g_autoptr(ScDockerName) name = reference != NULL && (of_registry || of_engine) ? sc_docker_name_of(reference) : NULL;
        g_auto(GStrv) scopes = name != NULL ? sc_docker_name_policy_scopes(name) : NULL;
        trust->name = of_registry ? g_steal_pointer(&name) : NULL;
        if (trust->policy != NULL)
                trust->rule = sc_policy_find(trust->policy, transport != NULL ? transport : "", (const char *const *)scopes);
        return true;
}

/* ---- signatures ---- */

static bool fetch_attachments(const ScOpContext *context, const ScReference *image, const ScDigest *digest, GPtrArray *signatures,
                              GCancellable *cancellable, GError **error)
{
        g_autoptr(ScReference) reference = sc_attachment_reference(image, digest);
        g_autoptr(ScTransport) transport = sc_resolve_open(context, reference, NULL, error);
        return transport != NULL && sc_attachment_fetch(transport, reference->name, signatures, cancellable, error);
}

/* Only those of the kinds that the rule asks for. */
static bool fetch_signatures(const Trust *trust, const ScOpContext *context, const ScReference *reference, const ScDigest *digest,
                             GPtrArray *signatures, GCancellable *cancellable, GError **error)
{
        bool gpg = sc_policy_rule_wants(trust->rule, SC_REQUIREMENT_SIGNED_BY);
        bool sigstore = sc_policy_rule_wants(trust->rule, SC_REQUIREMENT_SIGSTORE_SIGNED);
        if (trust->name == NULL || !(gpg || sigstore))
                return true;
        g_autofree char *folder = sc_containers_path(context->config->scope, "registries.d");
        g_autoptr(ScRegistriesD) registries = sc_registries_d_load(folder, error);
        if (registries == NULL)
                return false;
        g_auto(GStrv) scopes = sc_docker_name_scopes(trust->name);
        const char *lookaside = sc_registries_d_lookaside(registries, (const char *const *)scopes);
        return (!gpg || sc_lookaside_fetch(lookaside != NULL ? lookaside : DEFAULT_LOOKASIDE, trust->name, digest, context->config,
                                           signatures, cancellable, error)) &&
               (!sigstore || !sc_registries_d_uses_attachments(registries, (const char *const *)scopes) ||
                fetch_attachments(context, reference, digest, signatures, cancellable, error));
}

/* ---- the decision ---- */

static bool check(const Trust *trust, const char *image, const ScDigest *digest, GPtrArray *signatures, GPtrArray **ret_accepted,
                  GError **error)
{
        const ScTrustSubject subject = {image, trust->name, digest, trust->file};
        return sc_trust_check(trust->rule, &subject, signatures, ret_accepted, error);
}

static char *name_rule(const Trust *trust)
{
        g_autofree char *name = sc_policy_rule_name(trust->rule);
        return g_strdup_printf("%s in %s", name, trust->file);
}

bool sc_trust_pulled(const ScOpContext *context, const ScReference *reference, ScImageInfo *info, char **ret_rule,
                     GCancellable *cancellable, GError **error)
{
        g_auto(Trust) trust = {0};
        const char *transport = sc_source_facts(reference->source)->transport;
        /* A short name has become a full one by now, and what is in a file has a name at all. */
        g_autoptr(ScReference) named = sc_reference_parse(info->name, error);
        if (named == NULL)
                return false;
        named->source = reference->source;
        info->transport = g_strdup(transport != NULL ? transport : "");
        *ret_rule = NULL;
        if (!find_rule(&trust, context, transport, named, error))
                return false;
        if (trust.policy == NULL)
                return true;
        g_autoptr(GPtrArray) signatures = g_ptr_array_new_with_free_func((GDestroyNotify)sc_signature_free);
        g_autoptr(GPtrArray) accepted = NULL;
        if (!fetch_signatures(&trust, context, named, &info->digest, signatures, cancellable, error) ||
            !check(&trust, info->name, &info->digest, signatures, &accepted, error) ||
            !sc_signatures_to_text(accepted, &info->signatures, error))
                return false;
        *ret_rule = name_rule(&trust);
        return true;
}

/* What was pulled before anybody asked has no word for it. */
static const char *transport_of(const ScImageInfo *info)
{
        if (info->transport != NULL)
                return info->transport;
        return info->source == NULL || g_str_has_prefix(info->source, "registry") ? "docker" : "";
}

static bool check_kept(const Trust *trust, const char *name, const ScImageInfo *info, GError **error)
{
        g_autoptr(GPtrArray) signatures = sc_signatures_from_text(info->signatures, error);
        g_autoptr(GPtrArray) accepted = NULL;
        g_autoptr(GError) local = NULL;
        if (signatures == NULL)
                return false;
        if (check(trust, name, &info->digest, signatures, &accepted, &local))
                return true;
        bool unsigned_then = info->signatures == NULL && g_error_matches(local, SC_ERROR, SC_ERROR_VERIFY_FAILED);
        g_propagate_error(error, g_steal_pointer(&local));
        return sc_prefix(error, unsigned_then ? "It was pulled without signatures (pull it again if it has some)"
                                              : "It was pulled under another policy");
}

bool sc_trust_here(const ScOpContext *context, const ScImage *image, char **ret_rule, GError **error)
{
        g_auto(Trust) trust = {0};
        const ScImageInfo *info = image->info;
        if (info == NULL)
                return sc_throw(error, SC_ERROR_CORRUPT, "It is not known what the image %s is: pull it again", image->names[0]);
        /* A tag is a name that somebody here gave to it: what counts is the one by which it was pulled. */
        const char *name = info->name != NULL ? info->name : image->names[0];
        g_autoptr(ScReference) reference = sc_reference_parse(name, NULL);
        *ret_rule = NULL;
        if (!find_rule(&trust, context, transport_of(info), reference, error))
                return false;
        if (trust.policy == NULL)
                return true;
        if (!check_kept(&trust, name, info, error))
                return false;
        *ret_rule = name_rule(&trust);
        return true;
}

void sc_trust_warn(const ScOpContext *context, const char *image)
{
        g_autofree char *file = sc_containers_path(context->config->scope, "policy.json");
        g_autofree char *line = g_strdup_printf("Image %s is accepted unchecked: there is no policy %s", image, file);
        sc_journal(LOG_NOTICE, line, SC_FIELD_IMAGE, image, NULL);
}
