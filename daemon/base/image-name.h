/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Names and digests by which users mean an image that is here. */

#include <glib.h>
#include <stdbool.h>

/* A name without ":TAG" and "@DIGEST", newly allocated: "localhost:5000/hello" of "localhost:5000/hello:2". */
char *sc_image_repository(const char *name);

/* True if the text means an image that goes by this canonical name, with a manifest of this digest ("sha256:HEX") and this id
 * (HEX): NAME                      the name itself, or without its ":latest" REPOSITORY@sha256:HEX     any name of that repository
 * (NAME:TAG@sha256:HEX: that name) whose manifest has the digest sha256:HEX                any name, by the digest of its manifest
 * or its id */
bool sc_image_is_meant(const char *text, const char *name, const char *digest, const char *id);
