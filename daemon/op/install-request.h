/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What an install is asked for, and what may stand in its way: the same for the install itself and for the plan of one. */

#include "op.h"
#include "store/image.h"
#include "unit/systemd.h"

typedef struct {
        char *container;
        const char *runtime; /* NULL: as configured */
        const char *remote;
        GHashTable *values;
        bool start;
        const char *system_package; /* "no", "auto", "yes", "build" */
        int output;                 /* "build": gets the package; else -1. Owned */
} ScInstallRequest;

#define SC_INSTALL_REQUEST_INIT \
        {                       \
                .output = -1    \
        }
void sc_install_request_clear(ScInstallRequest *request);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScInstallRequest, sc_install_request_clear)

/* image NULL: it is not here yet, and the subject alone names the container. */
bool sc_install_request_read(ScOpContext *context, const ScImage *image, ScInstallRequest *ret, GError **error);

/* A package is to be made of the container, and nothing installed. */
bool sc_install_request_is_build(const ScInstallRequest *request);

/* Exists, naming what is in the way: in the checkout path, ... */
bool sc_install_slots_are_free(int checkout_fd, const char *container, GError **error);
/* ... or on the host. */
bool sc_install_host_is_free(ScSystemd *systemd, const ScConfig *config, const char *container, GError **error);
