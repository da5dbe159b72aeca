/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The layers that a repository has already, where large files of a new one are looked for: an image that was built again has most
 * of them unchanged, under the same path. Only the newest layers are asked, and only so much is read: layers may be hostile, those
 * that are here, too. */

#include "repository.h"

/* For one layer and one thread; the repository must outlive it. Nothing is read before the first question. */
typedef struct ScEarlierLayers ScEarlierLayers;
ScEarlierLayers *sc_earlier_layers_new(ScRepository *repository);
void sc_earlier_layers_free(ScEarlierLayers *earlier);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScEarlierLayers, sc_earlier_layers_free)

/* Opens the object of the file that the newest of them has under this path (relative, as in a layer's tar), with this size and
 * metadata; -1: none has, what there is cannot be read, or enough was read. Whether it has the same content is to be seen. */
int sc_earlier_layers_open(ScEarlierLayers *earlier, const char *path, const ScObjectMeta *meta, guint64 size);
