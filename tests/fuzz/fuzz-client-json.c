/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Values as they come from a daemon, and through it from an image: shown as a plan, as text and as JSON, and filtered. */

#include "fuzz.h"

#include "options.h"
#include "plan.h"
#include "value.h"

static void check_harmless(const char *text)
{
        for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
                GUnicodeType type = g_unichar_type(g_utf8_get_char(p));
                g_assert(*p == '\n' || (type != G_UNICODE_CONTROL && type != G_UNICODE_FORMAT));
        }
}

static void check_object(JsonObject *object)
{
        static const char *const names[] = {"container", "notes", "image", NULL};
        static const char *const filters[] = {"container=a*", "notes=?", NULL};
        g_autofree char *plan = sc_plan_format(object);
        check_harmless(plan);
        g_autoptr(ScFilter) filter = NULL;
        g_assert(sc_filter_new((char *const *)filters, names, &filter, NULL));
        sc_filter_match(filter, object);
        sc_value_int(object, "a");
        sc_value_bool(object, "a");
        g_assert(sc_value_string(object, "a") != NULL);
        g_autofree char *text G_GNUC_UNUSED = sc_value_to_text(json_object_get_member(object, "a"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autoptr(JsonParser) parser = json_parser_new();
        /* The bus lets no other strings through. */
        if (!g_utf8_validate((const char *)data, (gssize)size, NULL) ||
            !json_parser_load_from_data(parser, (const char *)data, (gssize)size, NULL) || json_parser_get_root(parser) == NULL)
                return 0;
        JsonNode *root = json_parser_get_root(parser);
        g_autofree char *text = sc_value_to_json(root);
        check_harmless(text);
        if (JSON_NODE_HOLDS_OBJECT(root))
                check_object(json_node_get_object(root));
        return 0;
}
