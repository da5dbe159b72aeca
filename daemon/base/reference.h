/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Image references, [SOURCE:]NAME, as the atomic command took them, with the grammar of the distribution project's
 * reference package (github.com/distribution/reference): HOST[:PORT]/PATH[:TAG][@DIGEST]. Parsing never asks the network. */

#include "digest.h"
#include "source.h"

typedef struct {
        ScSource source;
        char *host;   /* "localhost:5000", "docker.io"; NULL where the name has none (an image known by a short name) */
        char *path;   /* "library/busybox" is NOT added here: the path as given */
        char *tag;    /* never NULL unless digest is set; "latest" where none was given */
        char *digest; /* "sha256:..." or NULL */
        char *name;   /* the canonical name: [HOST/]PATH[:TAG][@DIGEST], without the source */
        char *place;  /* of a source that is at a path: that, clean and absolute; else NULL */
        char *choice; /* of a file alone, where all others are NULL: which image in it; NULL: the only one */
} ScReference;

/* InvalidReference names the text and what is wrong with it; a "SOURCE:" that cannot be had is Unsupported, and so is a file: what
 * this returns has a name. At most 1,023 bytes. */
ScReference *sc_reference_parse(const char *text, GError **error);
/* The same, and a file: "docker-archive:[NAME]", "oci-archive:[REF]". Its path is not in it: who opens the file hands it over. */
ScReference *sc_reference_parse_to_pull(const char *text, GError **error);
/* [SOURCE:]NAME, which parses to the same again. */
char *sc_reference_to_text(const ScReference *reference);
/* A registry alone, HOST[:PORT][/NAMESPACE]: host, and the namespace (or "") as path; no tag. InvalidReference. */
ScReference *sc_reference_parse_registry(const char *text, GError **error);
/* The path at the registry: docker's own images have no namespace in their short names. */
char *sc_reference_repository(const ScReference *reference);
ScReference *sc_reference_copy(const ScReference *reference);
void sc_reference_free(ScReference *reference);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScReference, sc_reference_free)

/* True for localhost, 127.0.0.0/8 and ::1 with any port; from the text alone. */
bool sc_reference_is_loopback(const ScReference *reference);

/* True for what an image that is here can be named; a digest says what is in one, a source where it came from, and neither can be
 * given to it: InvalidArgument. */
bool sc_reference_is_tag(const ScReference *reference, GError **error);

/* "sha256:HEX" parses as a name, too, and means an image by its digest: none may be called so. */
bool sc_name_is_digest(const char *name);

/* OSTree refs of images: SC_REF_PREFIX, then the canonical name with every byte outside [A-Za-z0-9.-] as _XX (upper-case hex). */
#define SC_REF_PREFIX "ociimage/"
char *sc_ref_encode(const char *name);
/* The name in a ref ("ociimage/..." or without the prefix); NULL where it is not a valid encoding. */
char *sc_ref_decode(const char *ref);
/* Exactly 64 hex digits after the prefix: a layer or a configuration blob, not an image. */
bool sc_ref_is_blob(const char *ref);

/* A container's name: [A-Za-z0-9][A-Za-z0-9_.-]{0,199}, no unit suffix (".service" ...). InvalidArgument otherwise. */
bool sc_container_name_check(const char *name, GError **error);
/* The name of a container installed without --name: the last path component, and -TAG unless the tag is latest. */
char *sc_container_name_from_reference(const ScReference *reference, GError **error);
