/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An image as its source has it now: manifest and configuration are fetched and checked, no layer. */

#include "base/image-info.h"
#include "op.h"
#include "registry/transport.h"
#include "store/repository.h"

/* The way to where the reference points. No network yet; the reference must outlive it. repository: where a file that can only be
 * read once is written down, NULL: nowhere. */
ScTransport *sc_resolve_open(const ScOpContext *context, const ScReference *reference, ScRepository *repository, GError **error);

/* For the platform of this machine; context->subject names the image in messages. *ret_config is as large as the info says. */
ScImageInfo *sc_resolve(const ScOpContext *context, ScTransport *transport, GCancellable *cancellable, ScManifestText *ret_manifest,
                        char **ret_config, GError **error);

/* The layers (ScLayerInfo, borrowed) that are not in the repository, each once though an image may name one twice, and their bytes
 * to fetch. */
GPtrArray *sc_resolve_missing(ScRepository *repository, const ScImageInfo *info, guint64 *ret_bytes, GError **error);
