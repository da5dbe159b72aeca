/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layer-fetch.h"

#include "base/error.h"

/* What a damaged copy looks like: often its compression or its tar makes no sense before the last byte shows that the digest is
 * wrong. Limits that an image exceeds are no damage. */
static bool may_be_damage(const GError *problem)
{
        return g_error_matches(problem, SC_ERROR, SC_ERROR_CORRUPT) || g_error_matches(problem, SC_ERROR, SC_ERROR_VERIFY_FAILED);
}

bool sc_layer_fetch(const ScOpContext *context, ScTransport *transport, ScImport *import, const ScLayerInfo *layer,
                    guint64 *ret_inflated, GCancellable *cancellable, GError **error)
{
        char hex[SC_DIGEST_HEX_SIZE];
        sc_digest_to_hex(&layer->digest, hex);
        sc_report_message(context->report, "Pulling layer %s", hex);
        g_autoptr(ScBlob) blob = sc_transport_open_blob(transport, &layer->digest, layer->size, cancellable);
        GError *problem = NULL;
        while (!sc_import_layer(import, layer, sc_blob_read, blob, ret_inflated, cancellable, &problem)) {
                if (may_be_damage(problem) && sc_blob_again(blob, &problem))
                        continue;
                g_propagate_error(error, problem);
                return false;
        }
        return true;
}
