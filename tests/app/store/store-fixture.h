/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store/store.h"

#include "folder.h"

#include <glib/gstdio.h>
#include <string.h>

/* what the tests of stores have in common: a backend in a folder, and calls that are waited for */
typedef struct {
  const gchar *name;
  WeirStore *(*open) (const gchar *folder, GError **error);
  /* a copy that weir_store_backup() has made */
  WeirStore *(*open_backup) (const gchar *path, GError **error);
} Backend;

static inline WeirStore *open_sqlite (const gchar *folder, GError **error);

/* those that keep to one contract: each of its tests runs once per backend */
static const Backend backends[] = {{"sqlite", open_sqlite, weir_store_sqlite_new}};

typedef struct {
  const Backend *backend;
  gchar *folder;
  WeirStore *store;
  GString *told; /* of `changed`: "CHANGE ID;" of each */
} Fixture;

static inline WeirStore *
open_sqlite (const gchar *folder, GError **error)
{
  g_autofree gchar *path = g_build_filename (folder, "weir.db", NULL);

  return weir_store_sqlite_new (path, error);
}

static inline void
hear_change (G_GNUC_UNUSED WeirStore *store, guint change, const gchar *id, gpointer data)
{
  g_string_append_printf (data, "%u %s;", change, id);
}

static inline void
fixture_open (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  fixture->store = fixture->backend->open (fixture->folder, &error);
  g_assert_no_error (error);
  g_signal_connect (fixture->store, "changed", G_CALLBACK (hear_change), fixture->told);
}

static inline void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->backend = data;
  fixture->told = g_string_new (NULL);
  fixture->folder = g_dir_make_tmp ("weir-store-XXXXXX", &error);
  g_assert_no_error (error);
  fixture_open (fixture);
}

/* closes it, so that what is done to its files is done to nobody's */
static inline void
close_store (Fixture *fixture)
{
  /* the thread lets go of what it has answered: then the last reference is this one */
  while (fixture->store != NULL && g_atomic_int_get (&G_OBJECT (fixture->store)->ref_count) > 1)
    if (!g_main_context_iteration (NULL, FALSE))
      g_thread_yield ();
  g_clear_object (&fixture->store);
}

static inline void
tear_down (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  close_store (fixture);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  remove_folder (fixture->folder);
  g_free (fixture->folder);
  g_string_free (fixture->told, TRUE);
}

static inline void
restart (Fixture *fixture)
{
  close_store (fixture);
  fixture_open (fixture);
}

/* keeps the answer; for calls that are waited for one by one */
static inline void
keep_result (G_GNUC_UNUSED GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static inline GAsyncResult *
wait_for (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return *result;
}

/* CALL (store, error, get_input, uid): the finished call's answer */
#define CALL(store, error, name, ...)                                   \
  ({                                                                    \
    g_autoptr (GAsyncResult) result_ = NULL;                            \
    weir_store_##name ((store), ##__VA_ARGS__, keep_result, &result_);  \
    weir_store_##name##_finish ((store), wait_for (&result_), (error)); \
  })

/* DO (store, create_input, input): the answer of a call that succeeds */
#define DO(store, name, ...)                                            \
  ({                                                                    \
    g_autoptr (GError) error_ = NULL;                                   \
    __auto_type answer_ = CALL ((store), &error_, name, ##__VA_ARGS__); \
    g_assert_no_error (error_);                                         \
    g_assert_true (answer_);                                            \
    answer_;                                                            \
  })

/* REFUSED (store, NOT_FOUND, get_input, uid) */
#define REFUSED(store, CODE, name, ...)                                 \
  do {                                                                  \
    g_autoptr (GError) error_ = NULL;                                   \
    g_assert_false (CALL ((store), &error_, name, ##__VA_ARGS__));      \
    g_assert_error (error_, WEIR_STORE_ERROR, WEIR_STORE_ERROR_##CODE); \
  } while (0)

/* arguments, of the block that they are in */
#define SEGMENT(the_number, the_entry, the_committed) \
  (&(WeirSegmentCommit){.number = (the_number), .entry = (the_entry), .committed = (the_committed)})
#define FILTER(...) (&(WeirBroadcastFilter){__VA_ARGS__})

static inline WeirLiveInput *
make_input (const gchar *uid, gint64 created_us)
{
  WeirLiveInput *input = weir_live_input_new ();

  input->uid = g_strdup (uid);
  input->account = g_strdup ("account");
  input->created_us = created_us;
  input->modified_us = created_us;
  for (guint i = 0; i < WEIR_SECRET_LAST; i++)
    input->secrets[i] = g_strdup_printf ("secret-%s-%u", uid, i);
  return input;
}

static inline WeirBroadcastRecord *
make_record (const gchar *uid, const gchar *input, gint64 created_us)
{
  WeirBroadcastRecord *record = g_new0 (WeirBroadcastRecord, 1);

  record->uid = g_strdup (uid);
  record->input = g_strdup (input);
  record->account = g_strdup ("account");
  record->recorded = TRUE;
  record->created_us = created_us;
  record->committed = g_strdup ("{\"next\":0}");
  record->inits = g_strdup ("[]");
  return record;
}

static inline void
create_input (WeirStore *store, const gchar *uid, gint64 created_us)
{
  g_autoptr (WeirLiveInput) input = make_input (uid, created_us);

  DO (store, create_input, input);
}

static inline guint64
begin (WeirStore *store, const gchar *uid, const gchar *input, gint64 created_us)
{
  g_autoptr (WeirBroadcastRecord) record = make_record (uid, input, created_us);
  g_autoptr (WeirBroadcastRecord) begun = DO (store, begin_broadcast, record);

  g_assert_cmpstr (begun->uid, ==, uid);
  g_assert_cmpint (begun->state, ==, WEIR_BROADCAST_LIVE);
  return begun->epoch;
}

static inline void
commit (WeirStore *store, const gchar *uid, guint64 epoch, guint64 number, const gchar *entry)
{
  DO (store, commit_segment, uid, epoch, SEGMENT (number, entry, "{\"next\":1}"));
}

static inline void
commit_sized (WeirStore *store, const gchar *uid, guint64 epoch, guint64 number, guint64 size,
    gint64 duration_us)
{
  const WeirSegmentCommit segment = {
      .number = number, .entry = "entry", .size = size, .duration_us = duration_us};

  DO (store, commit_segment, uid, epoch, &segment);
}

static inline void
add (const Backend *backend, const gchar *name, void (*test) (Fixture *fixture, gconstpointer data))
{
  g_autofree gchar *path = g_strdup_printf ("/store/%s/%s", backend->name, name);

  g_test_add (path, Fixture, backend, set_up, test, tear_down);
}

#define ADD(backend, test) add (backend, #test, test)
#define ADD_TO_ALL(test)                                 \
  for (guint i_ = 0; i_ < G_N_ELEMENTS (backends); i_++) \
  ADD (&backends[i_], test)
