/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A new deployment, built beside the running one under a hidden name: the image's tree checked out, the templates rendered,
 * everything checked and on the disk. Nothing of it is visible to the host. */

#include "op.h"
#include "store/image.h"
#include "store/info.h"
#include "store/repository.h"

typedef struct {
        const char *container;
        int slot;
        const char *image_name; /* canonical, for the info file */
        const ScImage *image;
        GHashTable *set;          /* what the user set; never NULL */
        const char *uuid;         /* kept over updates; NULL: a new one */
        const char *runtime;      /* as configured or given: name or path */
        const char *remote;       /* folder that holds another container's rootfs; NULL: an own checkout */
        const ScInfo *old;        /* the live deployment: its host files are ours to replace; NULL: none */
        const char *old_tmpfiles; /* its tmpfiles.d lines: what they make is there because of them; NULL: none */
} ScBuildInput;

typedef struct {
        char *hidden; /* name below the checkout path */
        ScInfo *info;
} ScBuilt;

void sc_built_clear(ScBuilt *built);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScBuilt, sc_built_clear)

/* On error nothing is left behind. */
bool sc_build(ScOpContext *context, ScRepository *repository, int checkout_fd, const ScBuildInput *input, ScBuilt *ret,
              GError **error);
