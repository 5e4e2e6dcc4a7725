/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/documents.h"

#include "../support/folder.h"

#define LIMIT 3
#define ADDED 20

typedef struct {
  WeirStore *store;
  guint answers, accepted, refused;
  GPtrArray *documents;
} Test;

static void
added (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Test *test = user_data;
  g_autoptr (GError) error = NULL;

  if (weir_api_add_document_finish (WEIR_STORE (source), result, &error))
    test->accepted++;
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE))
    test->refused++;
  test->answers++;
}

static void
listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Test *test = user_data;

  test->documents = weir_store_list_documents_finish (WEIR_STORE (source), result, NULL);
  test->answers++;
}

static void
add (Test *test, const gchar *parent)
{
  g_autofree gchar *id = g_uuid_string_random ();
  g_autoptr (WeirDocument) document = weir_document_new (WEIR_DOCUMENT_OUTPUT, "acc", id);

  g_free (document->parent);
  document->parent = g_strdup (parent);
  document->created_us = document->modified_us = g_get_real_time ();
  weir_api_add_document (test->store, document, LIMIT, added, test);
}

static void
wait_for (Test *test, guint answers)
{
  while (test->answers < answers)
    g_main_context_iteration (NULL, TRUE);
  test->answers = 0;
}

static void
of_many_that_are_added_at_once_the_limit_stays (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *folder = g_dir_make_tmp (NULL, &error);
  g_autofree gchar *path = g_build_filename (folder, "weir.db", NULL);
  Test test = {weir_store_sqlite_new (path, &error), 0, 0, 0, NULL};

  g_assert_no_error (error);
  for (guint i = 0; i < ADDED; i++)
    add (&test, "full");
  wait_for (&test, ADDED);
  g_assert_cmpuint (test.accepted, ==, LIMIT);
  g_assert_cmpuint (test.refused, ==, ADDED - LIMIT);
  weir_store_list_documents (test.store, WEIR_DOCUMENT_OUTPUT, "acc", "full", listed, &test);
  wait_for (&test, 1);
  g_assert_cmpuint (test.documents->len, ==, LIMIT);
  /* another's are not counted with them */
  add (&test, "other");
  wait_for (&test, 1);
  g_assert_cmpuint (test.accepted, ==, LIMIT + 1);
  g_ptr_array_unref (test.documents);
  g_object_unref (test.store);
  remove_folder (folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/api/documents/of_many_that_are_added_at_once_the_limit_stays",
      of_many_that_are_added_at_once_the_limit_stays);
  return g_test_run ();
}
