/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What was read of commits, for whoever lists images again and again: what a commit holds never changes. */

#include "image-list.h"

ScImageCache *sc_image_cache_new(void);
void sc_image_cache_free(ScImageCache *cache);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScImageCache, sc_image_cache_free)

/* Around a list: what it did not read is forgotten. */
void sc_image_cache_begin(ScImageCache *cache);
void sc_image_cache_end(ScImageCache *cache);

/* As sc_image_read(), without the manifest. What cannot be read is tried again each time. */
ScImage *sc_image_cache_read(ScImageCache *cache, const ScRepositoryView *view, const char *commit, GError **error);
/* True the first time; not in the next list either, as long as each says it. */
bool sc_image_cache_is_news(ScImageCache *cache, const char *message);
