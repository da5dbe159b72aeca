/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "registries.h"

#include "error.h"
#include "registries-rule.h"
#include <string.h>

static void free_mirror(gpointer data)
{
        ScMirror *mirror = data;
        g_free(mirror->location);
        g_free(mirror);
}

void sc_registry_rule_free(ScRegistryRule *rule)
{
        if (rule == NULL)
                return;
        g_free(rule->prefix);
        g_free(rule->location);
        g_ptr_array_unref(rule->mirrors);
        g_free(rule->file);
        g_free(rule);
}

ScRegistryRule *sc_registry_rule_new(const char *file, guint line)
{
        ScRegistryRule *rule = g_new0(ScRegistryRule, 1);
        rule->file = g_strdup(file);
        rule->line = line;
        rule->mirrors = g_ptr_array_new_with_free_func(free_mirror);
        return rule;
}

ScRegistries *sc_registries_new(void)
{
        ScRegistries *registries = g_new0(ScRegistries, 1);
        registries->search = g_new0(char *, 1);
        registries->credential_helpers = g_new0(char *, 1);
        registries->aliases = sc_string_map_new();
        registries->alias_files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        registries->rules = g_ptr_array_new_with_free_func((GDestroyNotify)sc_registry_rule_free);
        return registries;
}

void sc_registries_free(ScRegistries *registries)
{
        if (registries == NULL)
                return;
        g_strfreev(registries->search);
        g_free(registries->search_file);
        g_strfreev(registries->credential_helpers);
        g_hash_table_unref(registries->aliases);
        g_hash_table_unref(registries->alias_files);
        g_ptr_array_unref(registries->rules);
        g_free(registries);
}

/* As prefixes are written against it. */
static char *whole_name(const ScReference *reference)
{
        g_autofree char *repository = sc_reference_repository(reference);
        const char *tag = reference->tag, *digest = reference->digest;
        return g_strconcat(reference->host, "/", repository, tag != NULL ? ":" : "", tag != NULL ? tag : "",
                           digest != NULL ? "@" : "", digest != NULL ? digest : "", NULL);
}

static bool may_end_prefix(char c)
{
        return c == '\0' || c == '/' || c == ':' || c == '@';
}

/* Bytes of the name that the prefix stands for; 0: it does not match. A prefix that is a host matches it at any port, too, as the
 * tools whose files these are have it. */
static gsize match(const char *name, const char *prefix)
{
        gsize length = strlen(prefix);
        if (prefix[0] != '*')
                return g_str_has_prefix(name, prefix) && may_end_prefix(name[length]) ? length : 0;
        gsize host = strcspn(name, ":/@");
        const char *domain = prefix + 1;
        gsize domain_length = length - 1;
        return host > domain_length && strncmp(name + host - domain_length, domain, domain_length) == 0 ? host : 0;
}

const ScRegistryRule *sc_registries_find(const ScRegistries *registries, const ScReference *reference)
{
        if (reference->host == NULL)
                return NULL;
        g_autofree char *name = whole_name(reference);
        const ScRegistryRule *found = NULL;
        for (guint i = 0; i < registries->rules->len; i++) {
                const ScRegistryRule *rule = registries->rules->pdata[i];
                if ((found == NULL || strlen(rule->prefix) > strlen(found->prefix)) && match(name, rule->prefix) > 0)
                        found = rule;
        }
        return found;
}

bool sc_registry_rule_check(const ScRegistryRule *rule, const ScReference *reference, GError **error)
{
        if (rule == NULL || !rule->blocked)
                return true;
        return sc_throw(error, SC_ERROR_ACCESS_DENIED, "Image %s may not be pulled: %s:%u blocks %s", reference->name, rule->file,
                        rule->line, rule->prefix);
}

ScReference *sc_registry_rule_rewrite(const ScRegistryRule *rule, const char *location, const ScReference *reference,
                                      GError **error)
{
        g_autofree char *name = whole_name(reference);
        if (rule == NULL || location == NULL)
                return sc_reference_parse(name, error);
        g_autofree char *rewritten = g_strconcat(location, name + match(name, rule->prefix), NULL);
        g_autoptr(ScReference) result = sc_reference_parse(rewritten, error);
        if (result != NULL && result->host != NULL)
                return g_steal_pointer(&result);
        if (result != NULL)
                sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "'%s' names no registry", rewritten);
        sc_prefix(error, "%s:%u turns %s into a name that cannot be", rule->file, rule->line, reference->name);
        return NULL;
}

bool sc_registries_allow_insecure(const ScRegistries *registries, const ScReference *reference)
{
        const ScRegistryRule *rule = sc_registries_find(registries, reference);
        return rule != NULL && rule->insecure;
}

/* ---- short names ---- */

/* The prefix (host and perhaps path), the short path, tag and digest as one reference. */
static ScReference *put_together(const char *name, const ScReference *reference, const char *file, GError **error)
{
        const char *tag = reference->tag, *digest = reference->digest;
        g_autofree char *text = g_strconcat(name, tag != NULL ? ":" : "", tag != NULL ? tag : "", digest != NULL ? "@" : "",
                                            digest != NULL ? digest : "", NULL);
        g_autoptr(ScReference) full = sc_reference_parse(text, error);
        if (full == NULL) {
                sc_prefix(error, "%s makes no usable name of %s", file, reference->name);
                return NULL;
        }
        g_autofree char *whole = full->host != NULL ? whole_name(full) : g_strdup(text);
        g_autoptr(ScReference) result = sc_reference_parse(whole, error);
        if (result != NULL)
                result->source = reference->source;
        return g_steal_pointer(&result);
}

static bool throw_ambiguous(const ScRegistries *registries, const ScReference *reference, GError **error)
{
        g_autoptr(GString) names = g_string_new(NULL);
        for (char **registry = registries->search; *registry != NULL; registry++)
                g_string_append_printf(names, "%s%s/%s", names->len > 0 ? ", " : "", *registry, reference->name);
        return sc_throw(error, SC_ERROR_INVALID_REFERENCE,
                        "The image %s could be any of %s, by the unqualified-search-registries of %s: write the one that is meant",
                        reference->name, names->str, registries->search_file);
}

static ScReference *complete_by_search(const ScRegistries *registries, const ScReference *reference, char **ret_why, GError **error)
{
        guint count = g_strv_length(registries->search);
        if (count == 0) {
                sc_throw(error, SC_ERROR_INVALID_REFERENCE, "The image %s names no registry: write it in front, as in docker.io/%s",
                         reference->name, reference->name);
                return NULL;
        }
        if (count > 1 && registries->short_names != SC_SHORT_NAMES_DISABLED) {
                throw_ambiguous(registries, reference, error);
                return NULL;
        }
        g_autofree char *name = g_strconcat(registries->search[0], "/", reference->path, NULL);
        ScReference *full = put_together(name, reference, registries->search_file, error);
        if (full != NULL)
                *ret_why = g_strdup_printf("Resolved %s as %s (unqualified-search-registries of %s)", reference->name, full->name,
                                           registries->search_file);
        return full;
}

ScReference *sc_registries_complete(const ScRegistries *registries, const ScReference *reference, char **ret_why, GError **error)
{
        const char *alias = g_hash_table_lookup(registries->aliases, reference->path);
        if (alias == NULL)
                return complete_by_search(registries, reference, ret_why, error);
        const char *file = g_hash_table_lookup(registries->alias_files, reference->path);
        ScReference *full = put_together(alias, reference, file, error);
        if (full != NULL)
                *ret_why = g_strdup_printf("Resolved %s as %s (alias in %s)", reference->name, full->name, file);
        return full;
}
