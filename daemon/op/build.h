/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A new deployment, built beside the running one under a hidden name: the image's tree checked out, the templates rendered,
 * everything checked and on the disk. Nothing of it is visible to the host. */

#include "render.h"
#include "unit/systemd.h"

typedef struct {
        char *hidden; /* name below the checkout path */
        ScInfo *info;
} ScBuilt;

void sc_built_clear(ScBuilt *built);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScBuilt, sc_built_clear)

/* On error nothing is left behind. */
bool sc_build(ScOpContext *context, ScRepository *repository, ScSystemd *systemd, int checkout_fd, const ScBuildInput *input,
              ScBuilt *ret, GError **error);

/* The whole container in a system package, to be installed anywhere as a preinstalled one (config preinstalled_path). Returns a
 * descriptor of the package's file, which has no name any more, and in *ret_name the one that it should get; -1 on error. */
int sc_build_package(ScOpContext *context, ScRepository *repository, ScSystemd *systemd, int checkout_fd, const ScBuildInput *input,
                     char **ret_name, GError **error);
