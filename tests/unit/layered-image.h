/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An image of a few layers in a repository of its own, and the folder that it is checked out into. */

#include "store/checkout.h"
#include "store.h"

typedef struct {
        Store *store;
        GPtrArray *layers;
        char *folder; /* of the checkout */
} Image;

static UNUSED Image *image_new(void)
{
        Image *image = g_new0(Image, 1);

        image->store = store_new();
        image->layers = g_ptr_array_new_with_free_func((GDestroyNotify)sc_layer_info_free);
        image->folder = g_build_filename(image->store->folder, "root", NULL);
        return image;
}

static UNUSED void image_free(Image *image)
{
        g_ptr_array_unref(image->layers);
        g_free(image->folder);
        store_free(image->store);
        g_free(image);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Image, image_free)

static UNUSED void image_add(Image *image, Tar *tar)
{
        g_ptr_array_add(image->layers, store_add_layer(image->store, tar));
}

static UNUSED ScTree *image_merge(Image *image)
{
        g_autoptr(GError) error = NULL;
        ScTree *tree = sc_tree_merge(image->store->repository, image->layers, NULL, &error);

        ck_assert_no_error(error);
        return tree;
}

static UNUSED void image_checkout(Image *image)
{
        g_autoptr(ScTree) tree = image_merge(image);
        g_autoptr(GError) error = NULL;

        ck_assert_int_eq(g_mkdir(image->folder, 0700), 0);
        int fd = open(image->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        sc_tree_checkout(tree, fd, NULL, NULL, &error);
        ck_assert_no_error(error);
        close(fd);
}

static UNUSED bool look(Image *image, const char *path, struct stat *ret)
{
        g_autofree char *full = g_build_filename(image->folder, path, NULL);

        return lstat(full, ret) == 0;
}

static UNUSED void assert_mode(Image *image, const char *path, guint mode)
{
        struct stat st;

        ck_assert_msg(look(image, path, &st), "%s is missing", path);
        ck_assert_msg(st.st_mode == mode, "%s has the mode %o", path, st.st_mode);
}

static UNUSED void assert_missing(Image *image, const char *path)
{
        struct stat st;

        ck_assert_msg(!look(image, path, &st), "%s is there", path);
}

static UNUSED void assert_content(Image *image, const char *path, const char *expected)
{
        g_autofree char *full = g_build_filename(image->folder, path, NULL), *content = NULL;

        ck_assert_msg(g_file_get_contents(full, &content, NULL, NULL), "%s cannot be read", path);
        ck_assert_str_eq(content, expected);
}
