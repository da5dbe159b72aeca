/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "import-name.h"

#include "base/error.h"
#include "options.h"
#include <string.h>

/* NULL: it is no name that an image here can have. */
static char *canonical(const char *text)
{
        g_autoptr(ScReference) reference = sc_reference_parse(text, NULL);
        return reference != NULL && sc_reference_is_tag(reference, NULL) ? g_strdup(reference->name) : NULL;
}

/* An OCI layout may only have a tag of it: then the file's name is the rest. */
static char *name_in_file(const char *said, const char *file_name)
{
        if (said != NULL && strpbrk(said, "/:") != NULL)
                return canonical(said);
        if (file_name == NULL)
                return NULL;
        g_autofree char *tagged = said != NULL ? g_strconcat(file_name, ":", said, NULL) : NULL;
        return canonical(tagged != NULL ? tagged : file_name);
}

char *sc_import_name(const ScOpContext *context, const ScReference *reference, ScTransport *transport, GError **error)
{
        const char *name, *file_name;
        if (!sc_source_is_file(reference->source))
                return g_strdup(reference->name);
        if (!sc_option_string(context, "name", &name, error) || !sc_option_string(context, "file-name", &file_name, error))
                return NULL;
        char *found = name != NULL ? canonical(name) : name_in_file(sc_transport_get_name(transport), file_name);
        if (found == NULL)
                sc_throw(
                        error, SC_ERROR_INVALID_ARGUMENT,
                        name != NULL
                                ? "The option name is not a name for an image: [HOST/]NAME[:TAG]"
                                : "The file does not say what its image is called: give it a name (`sysconsctl pull --name NAME`)");
        return found;
}
