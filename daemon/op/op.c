/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "op.h"

#include "verbs.h"
#include <string.h>

static const ScOperation operations[] = {
        /* images */
        {"pull", sc_op_pull},
        {"mount", sc_op_mount},
        {"unmount", sc_op_unmount},
        {"prune", sc_op_prune},
        {"delete-image", sc_op_delete_image},
        {"describe", sc_op_describe},
        {"tag-image", sc_op_tag_image},
        {"verify", sc_op_verify},
        {"verify-online", sc_op_verify},
        /* containers */
        {"install", sc_op_install},
        {"update", sc_op_update},
        {"rollback", sc_op_rollback},
        {"uninstall", sc_op_uninstall},
        {"recover", sc_op_recover},
        {"run", sc_op_run},
        {"start", sc_op_start},
        {"stop", sc_op_stop},
        {"restart", sc_op_restart},
        /* neither is changed */
        {"set-policy", sc_op_set_policy},
        {"check-login", sc_op_check_login},
        {"plan", sc_op_plan},
};

const ScOperation *sc_operation_find(const char *name)
{
        for (guint i = 0; i < G_N_ELEMENTS(operations); i++)
                if (strcmp(operations[i].name, name) == 0)
                        return &operations[i];
        return NULL;
}
