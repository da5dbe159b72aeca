/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a daemon finds of jobs when it starts: the record of one, and the description of a worker's unit. */

#include "fuzz.h"

#include "job/job.h"
#include "job/worker-unit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autofree char *text = g_strndup((const char *)data, size);
        g_autofree char *operation = NULL, *subject = NULL;
        if (sc_worker_unit_parse_description(text, &operation, &subject))
                g_assert(operation[0] != '\0' && strchr(operation, ' ') == NULL && subject != NULL);
        g_autoptr(ScJob) job = sc_job_from_text((const char *)data, size, NULL);
        if (job == NULL)
                return 0;
        g_autofree char *written = sc_job_to_text(job);
        g_autoptr(ScJob) again = sc_job_from_text(written, strlen(written), NULL);
        g_assert(again != NULL);
        g_autofree char *same = sc_job_to_text(again);
        g_assert_cmpstr(written, ==, same);
        return 0;
}
