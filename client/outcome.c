/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "outcome.h"
#include "value.h"
#include <string.h>

void sc_outcome_free(ScOutcome *outcome)
{
        if (outcome == NULL)
                return;
        g_free(outcome->path);
        g_free(outcome->operation);
        g_free(outcome->subject);
        g_free(outcome->result);
        g_clear_pointer(&outcome->details, json_object_unref);
        g_free(outcome);
}

bool sc_outcome_check(const ScOutcome *outcome, GError **error)
{
        if (outcome->result == NULL || strcmp(outcome->result, "done") == 0)
                return true;
        if (strcmp(outcome->result, "cancelled") == 0)
                return sc_exit_throw(error, SC_EXIT_INTERRUPTED, "Job %" G_GUINT64_FORMAT " was cancelled", outcome->number);
        const char *message = sc_value_string(outcome->details, "error-message");
        bool not_found = strcmp(sc_value_string(outcome->details, "error-name"), "org.sysconsd1.Error.NotFound") == 0;
        if (message[0] != '\0')
                return sc_exit_throw(error, not_found ? SC_EXIT_NOT_FOUND : SC_EXIT_FAILED, "%s", message);
        return sc_exit_throw(error, SC_EXIT_FAILED,
                             "Job %" G_GUINT64_FORMAT " failed; see `journalctl -u sysconsd-job-%" G_GUINT64_FORMAT "`",
                             outcome->number, outcome->number);
}

int sc_outcome_exit_status(const ScOutcome *outcome)
{
        guint64 status = 0;
        g_ascii_string_to_unsigned(sc_value_string(outcome->details, "exit-status"), 10, 0, 255, &status, NULL);
        return (int)status;
}

JsonNode *sc_outcome_to_json(const ScOutcome *outcome)
{
        g_autoptr(JsonObject) object = json_object_new();
        json_object_set_int_member(object, "job", (gint64)outcome->number);
        json_object_set_string_member(object, "path", outcome->path);
        json_object_set_string_member(object, "operation", outcome->operation);
        json_object_set_string_member(object, "subject", outcome->subject);
        if (outcome->result != NULL)
                json_object_set_string_member(object, "result", outcome->result);
        else
                json_object_set_null_member(object, "result");
        json_object_set_object_member(object, "details", json_object_ref(outcome->details));
        return json_node_init_object(json_node_alloc(), object);
}
