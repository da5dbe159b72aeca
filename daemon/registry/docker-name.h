/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Names of images as policies and signatures have them: fully expanded, "docker.io/library/busybox" and not "busybox", and with a
 * tag or a digest only where one was written. Unlike base/reference.h, which knows what a user means by a name. */

#include "base/reference.h"

typedef struct {
        char *name;   /* HOST/PATH */
        char *tag;    /* NULL: none */
        char *digest; /* NULL: none */
} ScDockerName;

/* InvalidReference for what is no image's name. */
ScDockerName *sc_docker_name_parse(const char *text, GError **error);
/* What was pulled; beside a digest a tag says nothing, and is left out. NULL: it names no registry. */
ScDockerName *sc_docker_name_of(const ScReference *reference);
void sc_docker_name_free(ScDockerName *name);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScDockerName, sc_docker_name_free)

/* Neither tag nor digest. */
bool sc_docker_name_is_bare(const ScDockerName *name);
/* NAME[:TAG][@DIGEST] */
char *sc_docker_name_to_string(const ScDockerName *name);

/* The scopes in which a policy or registries.d may speak of it, the most specific first: the whole, its repository, each folder
 * above, the host. Ended by NULL. */
char **sc_docker_name_scopes(const ScDockerName *name);
/* The same, and then *.DOMAIN for each domain that the host is in; only policies know those. */
char **sc_docker_name_policy_scopes(const ScDockerName *name);
