/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "signed-identity.h"

#include "base/error.h"
#include <string.h>

#define WHAT "signedIdentity"

static const struct {
        const char *word;
        ScSignedIdentityKind kind;
        const char *keys[4];
} kinds[] = {
        {"matchRepoDigestOrExact", SC_IDENTITY_REPO_DIGEST_OR_EXACT, {"type", NULL}},
        {"matchExact", SC_IDENTITY_EXACT, {"type", NULL}},
        {"matchRepository", SC_IDENTITY_REPOSITORY, {"type", NULL}},
        {"exactReference", SC_IDENTITY_EXACT_REFERENCE, {"type", "dockerReference", NULL}},
        {"exactRepository", SC_IDENTITY_EXACT_REPOSITORY, {"type", "dockerRepository", NULL}},
        {"remapIdentity", SC_IDENTITY_REMAP, {"type", "prefix", "signedPrefix", NULL}},
};

void sc_signed_identity_clear(ScSignedIdentity *identity)
{
        g_clear_pointer(&identity->name, sc_docker_name_free);
        g_clear_pointer(&identity->prefix, g_free);
        g_clear_pointer(&identity->signed_prefix, g_free);
}

static bool read_name(JsonObject *object, const char *key, ScSignedIdentity *ret, GError **error)
{
        const char *text;
        if (!sc_json_get_string(object, key, SC_JSON_REQUIRED, &text, error))
                return false;
        ret->name = sc_docker_name_parse(text, NULL);
        if (ret->name == NULL)
                return sc_throw(error, SC_ERROR_CORRUPT, "%s in " WHAT " is no image's name: '%.80s'", key, text);
        if (ret->kind == SC_IDENTITY_EXACT_REFERENCE && sc_docker_name_is_bare(ret->name))
                return sc_throw(error, SC_ERROR_CORRUPT, "%s in " WHAT " has neither tag nor digest: '%.80s'", key, text);
        return true;
}

/* HOST[:PORT], or such a host and folders behind it. */
static bool is_prefix(const char *text)
{
        g_autofree char *name = NULL;
        const char *slash = strchr(text, '/');
        if (slash == NULL) /* a host alone looks like one only to somebody who knows that it is */
                name = strchr(text, '.') != NULL || strchr(text, ':') != NULL ? g_strconcat(text, "/x", NULL)
                                                                              : g_strconcat(text, ".x/x", NULL);
        else
                name = g_strdup(text);
        g_autoptr(ScDockerName) parsed = sc_docker_name_parse(name, NULL);
        return parsed != NULL && sc_docker_name_is_bare(parsed);
}

static bool read_prefix(JsonObject *object, const char *key, char **ret, GError **error)
{
        const char *text;
        if (!sc_json_get_string(object, key, SC_JSON_REQUIRED, &text, error))
                return false;
        if (!is_prefix(text))
                return sc_throw(error, SC_ERROR_CORRUPT, "%s in " WHAT " is no host, and no repository: '%.80s'", key, text);
        *ret = g_strdup(text);
        return true;
}

bool sc_signed_identity_parse(JsonObject *object, ScSignedIdentity *ret, GError **error)
{
        const char *type;
        *ret = (ScSignedIdentity){SC_IDENTITY_REPO_DIGEST_OR_EXACT};
        if (object == NULL)
                return true;
        if (!sc_json_get_string(object, "type", SC_JSON_REQUIRED, &type, error))
                return sc_prefix(error, WHAT);
        for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
                if (!g_str_equal(kinds[i].word, type))
                        continue;
                ret->kind = kinds[i].kind;
                if (!sc_json_has_only(object, kinds[i].keys, WHAT, error))
                        return false;
                if (ret->kind == SC_IDENTITY_REMAP)
                        return read_prefix(object, "prefix", &ret->prefix, error) &&
                               read_prefix(object, "signedPrefix", &ret->signed_prefix, error);
                return kinds[i].keys[1] == NULL || read_name(object, kinds[i].keys[1], ret, error);
        }
        return sc_throw(error, SC_ERROR_CORRUPT, "The type '%.40s' of a " WHAT " is unknown", type);
}

const char *sc_signed_identity_word(const ScSignedIdentity *identity)
{
        for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
                if (kinds[i].kind == identity->kind)
                        return kinds[i].word;
        g_assert_not_reached();
}

static bool is_same(const ScDockerName *a, const ScDockerName *b)
{
        return g_str_equal(a->name, b->name) && g_strcmp0(a->tag, b->tag) == 0 && g_strcmp0(a->digest, b->digest) == 0;
}

/* That a digest is the right one has been checked against the manifest, by which it was asked for. */
static bool is_repo_digest_or_exact(const ScDockerName *wanted, const ScDockerName *is_signed)
{
        if (sc_docker_name_is_bare(is_signed))
                return false;
        return wanted->tag != NULL ? is_same(wanted, is_signed)
                                   : wanted->digest != NULL && g_str_equal(wanted->name, is_signed->name);
}

static bool matches_remapped(const ScSignedIdentity *identity, const ScDockerName *pulled, const ScDockerName *is_signed)
{
        gsize length = strlen(identity->prefix);
        bool below = strncmp(pulled->name, identity->prefix, length) == 0 &&
                     (pulled->name[length] == '\0' || pulled->name[length] == '/');
        if (!below)
                return is_repo_digest_or_exact(pulled, is_signed);
        g_autofree char *name = g_strconcat(identity->signed_prefix, pulled->name + length, NULL);
        const ScDockerName wanted = {.name = name, .tag = pulled->tag, .digest = pulled->digest};
        return is_repo_digest_or_exact(&wanted, is_signed);
}

bool sc_signed_identity_matches(const ScSignedIdentity *identity, const ScDockerName *pulled, const char *text)
{
        g_autoptr(ScDockerName) is_signed = sc_docker_name_parse(text, NULL);
        if (is_signed == NULL)
                return false;
        switch (identity->kind) {
        case SC_IDENTITY_EXACT_REFERENCE:
                return is_same(identity->name, is_signed);
        case SC_IDENTITY_EXACT_REPOSITORY:
                return g_str_equal(identity->name->name, is_signed->name);
        case SC_IDENTITY_REPO_DIGEST_OR_EXACT:
                return pulled != NULL && is_repo_digest_or_exact(pulled, is_signed);
        case SC_IDENTITY_EXACT:
                return pulled != NULL && !sc_docker_name_is_bare(is_signed) && is_same(pulled, is_signed);
        case SC_IDENTITY_REPOSITORY:
                return pulled != NULL && g_str_equal(pulled->name, is_signed->name);
        case SC_IDENTITY_REMAP:
                return pulled != NULL && matches_remapped(identity, pulled, is_signed);
        }
        return false;
}
