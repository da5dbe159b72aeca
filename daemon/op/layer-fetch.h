/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One layer, from where the image is into the repository. */

#include "op.h"
#include "registry/transport.h"
#include "store/layer.h"

/* The errors are those of sc_import_layer(). A copy that turns out to be damaged is asked for again elsewhere, where somebody else
 * has it; the layer then begins anew. */
bool sc_layer_fetch(const ScOpContext *context, ScTransport *transport, ScImport *import, const ScLayerInfo *layer,
                    guint64 *ret_inflated, GCancellable *cancellable, GError **error);
