/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The SOURCE: of an image reference: which there are, and what may follow each. */

#include <glib.h>
#include <stdbool.h>

typedef enum {
        SC_SOURCE_REGISTRY,          /* no prefix, "oci:", "docker://": a registry over https (http on loopback) */
        SC_SOURCE_REGISTRY_INSECURE, /* "http:": a registry without TLS, or without its verification */
        SC_SOURCE_ENGINE,            /* "docker:", "docker-daemon:": a Docker engine on this host, or podman's service */
        SC_SOURCE_STORAGE,           /* "containers-storage:": what podman has on this host, through skopeo */
        SC_SOURCE_OSTREE,            /* "ostree:": another OSTree repository on this host */
        SC_SOURCE_DOCKER_ARCHIVE,    /* "docker-archive:", "dockertar:": what `docker save` writes */
        SC_SOURCE_OCI_ARCHIVE,       /* "oci-archive:": an OCI image layout in a tar file */
        SC_SOURCE_OCI_LAYOUT,        /* "oci-layout:": an OCI image layout in a folder */
} ScSource;

/* What follows the prefix. */
typedef enum {
        SC_RULE_NAME,         /* an image's name; "//" in front of it is skipped */
        SC_RULE_NAME_AT_PATH, /* NAME@/PATH, an absolute path on the host, as root means it */
        /* The source is a file that comes along as a descriptor. What follows chooses an image in it, nothing the only one; what
         * the image is called is known when the file has been read. Only a pull takes such a reference. */
        SC_RULE_NAME_IN_FILE, /* a name as the archive's list of images has them */
        SC_RULE_REF_IN_FILE,  /* an annotation org.opencontainers.image.ref.name, which can be any word */
} ScSourceRule;

typedef struct {
        ScSource source;
        const char *prefix;     /* with which it is written: "" for a registry */
        const char *provenance; /* what an image's info says of where it came from, and what polkit's rules see */
        ScSourceRule rule;
        const char *transport; /* whose rules in policy.json it falls under; NULL: those of the default alone */
} ScSourceFacts;

/* Never NULL. */
const ScSourceFacts *sc_source_facts(ScSource source);
/* By the prefix of the text; *ret_rest: what follows, borrowed. A registry where there is none; NULL with Unsupported for one that
 * is known, and cannot be had. */
const ScSourceFacts *sc_source_find(const char *text, const char **ret_rest, GError **error);
/* By what an image's info says; NULL for a word that this version does not know. Of files it is any. */
const ScSourceFacts *sc_source_of_provenance(const char *word);
bool sc_source_is_registry(ScSource source);
bool sc_source_is_file(ScSource source);
