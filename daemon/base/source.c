/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "source.h"

#include "error.h"
#include <string.h>

static const ScSourceFacts facts[] = {
        {SC_SOURCE_REGISTRY, "", "registry", SC_RULE_NAME, "docker"},
        {SC_SOURCE_REGISTRY_INSECURE, "http:", "registry-insecure", SC_RULE_NAME, "docker"},
        {SC_SOURCE_ENGINE, "docker:", "engine", SC_RULE_NAME, "docker-daemon"},
        {SC_SOURCE_STORAGE, "containers-storage:", "storage", SC_RULE_NAME, "containers-storage"},
        {SC_SOURCE_OSTREE, "ostree:", "ostree", SC_RULE_NAME_AT_PATH, "ostree"},
        {SC_SOURCE_DOCKER_ARCHIVE, "docker-archive:", "archive", SC_RULE_NAME_IN_FILE, "docker-archive"},
        {SC_SOURCE_OCI_ARCHIVE, "oci-archive:", "archive", SC_RULE_REF_IN_FILE, "oci-archive"},
        {SC_SOURCE_OCI_LAYOUT, "oci-layout:", "archive", SC_RULE_REF_IN_FILE, "oci"},
};

/* Other names of the same. */
static const struct {
        const char *prefix;
        ScSource source;
} aliases[] = {
        {"docker://", SC_SOURCE_REGISTRY},
        {"oci:", SC_SOURCE_REGISTRY},
        {"docker-daemon:", SC_SOURCE_ENGINE},
        {"dockertar:", SC_SOURCE_DOCKER_ARCHIVE},
};

/* What skopeo reads for a client, who hands it over as an archive. */
static const char *const of_clients[] = {"dir:", "sif:", "tarball:", "skopeo:"};

const ScSourceFacts *sc_source_facts(ScSource source)
{
        for (guint i = 0; i < G_N_ELEMENTS(facts); i++)
                if (facts[i].source == source)
                        return &facts[i];
        g_assert_not_reached();
}

const ScSourceFacts *sc_source_of_provenance(const char *word)
{
        for (guint i = 0; i < G_N_ELEMENTS(facts); i++)
                if (strcmp(facts[i].provenance, word) == 0)
                        return &facts[i];
        return NULL;
}

static const ScSourceFacts *found(const char *text, const char *prefix, ScSource source, const char **ret_rest)
{
        const ScSourceFacts *of = sc_source_facts(source);
        *ret_rest = text + strlen(prefix);
        if (of->rule == SC_RULE_NAME && g_str_has_prefix(*ret_rest, "//"))
                *ret_rest += 2;
        return of;
}

const ScSourceFacts *sc_source_find(const char *text, const char **ret_rest, GError **error)
{
        if (g_str_has_prefix(text, "oci:/") || g_str_has_prefix(text, "oci:.")) {
                sc_throw(error, SC_ERROR_INVALID_REFERENCE,
                         "oci: is a registry, as for the atomic command; an OCI layout in a folder is oci-layout:FOLDER");
                return NULL;
        }
        for (guint i = 0; i < G_N_ELEMENTS(aliases); i++)
                if (g_str_has_prefix(text, aliases[i].prefix))
                        return found(text, aliases[i].prefix, aliases[i].source, ret_rest);
        for (guint i = 0; i < G_N_ELEMENTS(facts); i++)
                if (*facts[i].prefix != '\0' && g_str_has_prefix(text, facts[i].prefix))
                        return found(text, facts[i].prefix, facts[i].source, ret_rest);
        for (guint i = 0; i < G_N_ELEMENTS(of_clients); i++)
                if (g_str_has_prefix(text, of_clients[i])) {
                        sc_throw(error, SC_ERROR_UNSUPPORTED,
                                 "Cannot take '%.200s': the source %s is for `sysconsctl pull`, which has skopeo read it", text,
                                 of_clients[i]);
                        return NULL;
                }
        *ret_rest = text;
        return sc_source_facts(SC_SOURCE_REGISTRY);
}

bool sc_source_is_registry(ScSource source)
{
        return source == SC_SOURCE_REGISTRY || source == SC_SOURCE_REGISTRY_INSECURE;
}

bool sc_source_is_file(ScSource source)
{
        ScSourceRule rule = sc_source_facts(source)->rule;
        return rule == SC_RULE_NAME_IN_FILE || rule == SC_RULE_REF_IN_FILE;
}
