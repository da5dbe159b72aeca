/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "docker-name.h"

#include "base/error.h"
#include <string.h>

static char *expand(const char *host, const char *path)
{
        if (host == NULL || g_str_equal(host, "index.docker.io"))
                host = "docker.io";
        bool official = g_str_equal(host, "docker.io") && strchr(path, '/') == NULL;
        return g_strconcat(host, "/", official ? "library/" : "", path, NULL);
}

ScDockerName *sc_docker_name_parse(const char *text, GError **error)
{
        g_autoptr(ScReference) reference = sc_reference_parse(text, error);
        if (reference == NULL)
                return NULL;
        /* The parser adds "latest", and takes a source away; neither has been written in a name as it is meant here. */
        g_autofree char *latest = g_strconcat(text, ":latest", NULL);
        bool bare = g_str_equal(reference->name, latest);
        if (!bare && !g_str_equal(reference->name, text)) {
                sc_throw(error, SC_ERROR_INVALID_REFERENCE, "%s is not the plain name of an image", text);
                return NULL;
        }
        ScDockerName *name = g_new0(ScDockerName, 1);
        name->name = expand(reference->host, reference->path);
        name->tag = bare ? NULL : g_strdup(reference->tag);
        name->digest = g_strdup(reference->digest);
        return name;
}

ScDockerName *sc_docker_name_of(const ScReference *reference)
{
        if (reference->host == NULL)
                return NULL;
        ScDockerName *name = g_new0(ScDockerName, 1);
        name->name = expand(reference->host, reference->path);
        name->tag = reference->digest != NULL ? NULL : g_strdup(reference->tag);
        name->digest = g_strdup(reference->digest);
        return name;
}

void sc_docker_name_free(ScDockerName *name)
{
        if (name == NULL)
                return;
        g_free(name->name);
        g_free(name->tag);
        g_free(name->digest);
        g_free(name);
}

bool sc_docker_name_is_bare(const ScDockerName *name)
{
        return name->tag == NULL && name->digest == NULL;
}

char *sc_docker_name_to_string(const ScDockerName *name)
{
        return g_strconcat(name->name, name->tag != NULL ? ":" : "", name->tag != NULL ? name->tag : "",
                           name->digest != NULL ? "@" : "", name->digest, NULL);
}

/* Returns the host, which is the last of them. */
static char *add_scopes(GStrvBuilder *scopes, const ScDockerName *name)
{
        g_autofree char *whole = sc_docker_name_to_string(name);
        g_autofree char *part = g_strdup(name->name);
        g_strv_builder_add(scopes, whole);
        for (;;) {
                if (!g_str_equal(part, whole))
                        g_strv_builder_add(scopes, part);
                char *slash = strrchr(part, '/');
                if (slash == NULL)
                        return g_steal_pointer(&part);
                *slash = '\0';
        }
}

char **sc_docker_name_scopes(const ScDockerName *name)
{
        g_autoptr(GStrvBuilder) scopes = g_strv_builder_new();
        g_autofree char *host G_GNUC_UNUSED = add_scopes(scopes, name);
        return g_strv_builder_end(scopes);
}

/* Wildcards have no port: *.example.com is meant for every one of them. */
char **sc_docker_name_policy_scopes(const ScDockerName *name)
{
        g_autoptr(GStrvBuilder) scopes = g_strv_builder_new();
        g_autofree char *host = add_scopes(scopes, name);
        host[strcspn(host, ":")] = '\0';
        for (const char *dot = strchr(host, '.'); dot != NULL; dot = strchr(dot + 1, '.')) {
                g_autofree char *wildcard = g_strconcat("*", dot, NULL);
                g_strv_builder_add(scopes, wildcard);
        }
        return g_strv_builder_end(scopes);
}
