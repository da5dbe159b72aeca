/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the administrator says about registries: the files of containers-registries.conf(5) and containers-registries.conf.d(5),
 * version 2, put together. Which files there are, and how they are read, is in registries-files.h. */

#include "json.h"
#include "reference.h"

/* Of which pulls a mirror may be part. */
typedef enum { SC_MIRROR_ALL, SC_MIRROR_DIGEST_ONLY, SC_MIRROR_TAG_ONLY } ScMirrorUse;

typedef struct {
        char *location; /* HOST[:PORT][/PATH], stands where the prefix stood in the name */
        bool insecure;
        ScMirrorUse use;
} ScMirror;

/* One [[registry]]. */
typedef struct {
        char *prefix;   /* HOST[:PORT][/PATH][:TAG or @DIGEST], or "*.DOMAIN" */
        char *location; /* as for a mirror; NULL: images are where their names say */
        bool insecure;
        bool blocked;
        bool mirror_by_digest_only; /* a tag is never asked for at a mirror */
        GPtrArray *mirrors;         /* of ScMirror, in their order */
        char *file;                 /* that says so, and where in it */
        guint line;
} ScRegistryRule;

/* What a short name means that no alias is for, where several registries could be meant. */
typedef enum { SC_SHORT_NAMES_PERMISSIVE, SC_SHORT_NAMES_ENFORCING, SC_SHORT_NAMES_DISABLED } ScShortNames;

typedef struct {
        char **search; /* unqualified-search-registries; never NULL */
        char *search_file;
        ScShortNames short_names;
        GHashTable *aliases;       /* short name to full name, both without tag or digest */
        GHashTable *alias_files;   /* short name to the file that says so (interned) */
        char **credential_helpers; /* see keyring.h; never NULL */
        GPtrArray *rules;          /* of ScRegistryRule */
} ScRegistries;

/* Nothing said: every image is where its name says. */
ScRegistries *sc_registries_new(void);
void sc_registries_free(ScRegistries *registries);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScRegistries, sc_registries_free)

/* Adds one file, over what was there before. tree: the root value that base/toml.h describes. InvalidArgument names file and line.
 */
bool sc_registries_add(ScRegistries *registries, const char *file, JsonObject *tree, GError **error);
/* The same for a file that podman writes, with what its users have chosen for short names. */
bool sc_registries_add_aliases(ScRegistries *registries, const char *file, JsonObject *tree, GError **error);

/* The rule for the image, the one with the longest prefix; NULL: none. For a name without a host: none. */
const ScRegistryRule *sc_registries_find(const ScRegistries *registries, const ScReference *reference);

/* AccessDenied if a rule (NULL: none) says that such images are not to be pulled, naming the file. */
bool sc_registry_rule_check(const ScRegistryRule *rule, const ScReference *reference, GError **error);

/* Where that image is if the rule's prefix is replaced by `location` (the rule's, or that of one of its mirrors; NULL: as named).
 * "library/" has been added to names of docker.io that lack it. InvalidArgument naming the file. */
ScReference *sc_registry_rule_rewrite(const ScRegistryRule *rule, const char *location, const ScReference *reference,
                                      GError **error);

/* May the image's registry be spoken to without TLS, or without verification, by these settings? */
bool sc_registries_allow_insecure(const ScRegistries *registries, const ScReference *reference);

/* The full name of an image that was named without a registry: by an alias, else by the one search registry, or (short-name-mode
 * disabled) the first of several. *ret_why is a line for the user: what was taken, and by which file. InvalidReference where
 * nothing is configured, or several registries could be meant. */
ScReference *sc_registries_complete(const ScRegistries *registries, const ScReference *reference, char **ret_why, GError **error);
