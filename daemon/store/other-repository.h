/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Another OSTree repository on this host, with images as the atomic command and sysconsd lay them out: read, and not believed. An
 * object counts when its checksum is right. */

#include "base/digest.h"
#include <gio/gio.h>
#include <stdbool.h>

typedef struct ScOtherRepository ScOtherRepository;

/* path: absolute; no symlink is followed on it that an ordinary user could have put there. */
ScOtherRepository *sc_other_repository_open(const char *path, GError **error);
void sc_other_repository_free(ScOtherRepository *other);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScOtherRepository, sc_other_repository_free)

/* What the commit of an image's name has as its manifest. NotFound "Image X not found". */
char *sc_other_repository_manifest(ScOtherRepository *other, const char *name, GError **error);
/* The content of a configuration, with a zero behind it; VerifyFailed for another digest. At most max bytes. */
char *sc_other_repository_blob(ScOtherRepository *other, const ScDigest *digest, gsize max, gsize *ret_size, GError **error);
/* The commit of a layer, all of whose objects have been checked (VerifyFailed names the first that is damaged). */
char *sc_other_repository_layer(ScOtherRepository *other, const ScDigest *digest, GCancellable *cancellable, GError **error);

typedef bool (*ScExportSink)(gpointer data, const void *bytes, gsize size, GError **error);
/* The files of a commit as a tar, the same each time. */
bool sc_other_repository_export(ScOtherRepository *other, const char *commit, ScExportSink sink, gpointer data,
                                GCancellable *cancellable, GError **error);
