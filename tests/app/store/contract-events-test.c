/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store-fixture.h"

#include <unistd.h>

/* what every backend keeps to: documents, events, what is told of changes, backup */

/* ---- documents ---- */

static WeirDocument *
make_document (WeirDocumentKind kind, const gchar *id, gint64 created_us)
{
  WeirDocument *document = weir_document_new (kind, "account", id);

  document->created_us = created_us;
  document->modified_us = created_us;
  return document;
}

static void
put (WeirStore *store, const WeirDocument *document)
{
  g_assert_cmpuint (DO (store, put_document, document, 0), ==, 1);
}

static void
a_document_comes_back_as_it_was_put (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirDocument) document = make_document (WEIR_DOCUMENT_WEBHOOK, "w", 5);
  g_autoptr (WeirDocument) bare = weir_document_new (WEIR_DOCUMENT_ACCOUNT, "", "w");
  g_autoptr (WeirDocument) read = NULL;
  g_autoptr (WeirDocument) read_bare = NULL;

  document->parent = g_strdup ("parent");
  document->digest = g_strdup ("digest");
  document->modified_us = 6;
  document->revision = 1000;
  g_free (document->json);
  document->json = g_strdup ("{\"url\":\"https://example.com/ü'\"}");
  put (fixture->store, document);
  /* the same id of another kind is another document */
  put (fixture->store, bare);
  restart (fixture);
  read = DO (fixture->store, get_document, WEIR_DOCUMENT_WEBHOOK, "w");
  g_assert_cmpint (read->kind, ==, WEIR_DOCUMENT_WEBHOOK);
  g_assert_cmpstr (read->id, ==, "w");
  g_assert_cmpstr (read->account, ==, "account");
  g_assert_cmpstr (read->parent, ==, "parent");
  g_assert_cmpstr (read->digest, ==, "digest");
  g_assert_cmpint (read->created_us, ==, 5);
  g_assert_cmpint (read->modified_us, ==, 6);
  g_assert_cmpuint (read->revision, ==, 1);
  g_assert_cmpstr (read->json, ==, document->json);
  read_bare = DO (fixture->store, get_document, WEIR_DOCUMENT_ACCOUNT, "w");
  g_assert_cmpstr (read_bare->account, ==, "");
  g_assert_null (read_bare->parent);
  g_assert_null (read_bare->digest);
  g_assert_cmpstr (read_bare->json, ==, "{}");
}

static void
a_document_changes_by_its_revision (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirDocument) document = make_document (WEIR_DOCUMENT_WEBHOOK, "w", 5);
  g_autoptr (WeirDocument) read = NULL;

  REFUSED (fixture->store, NOT_FOUND, put_document, document, 1);
  put (fixture->store, document);
  REFUSED (fixture->store, EXISTS, put_document, document, 0);
  g_assert_cmpuint (DO (fixture->store, put_document, document, 1), ==, 2);
  g_free (document->json);
  document->json = g_strdup ("{\"third\":true}");
  REFUSED (fixture->store, FENCED, put_document, document, 1);
  REFUSED (fixture->store, FENCED, put_document, document, 3);
  read = DO (fixture->store, get_document, WEIR_DOCUMENT_WEBHOOK, "w");
  g_assert_cmpuint (read->revision, ==, 2);
  g_assert_cmpstr (read->json, ==, "{}");
  g_assert_cmpuint (DO (fixture->store, put_document, document, 2), ==, 3);
  DO (fixture->store, delete_document, WEIR_DOCUMENT_WEBHOOK, "w");
  REFUSED (fixture->store, NOT_FOUND, get_document, WEIR_DOCUMENT_WEBHOOK, "w");
  REFUSED (fixture->store, NOT_FOUND, put_document, document, 3);
  REFUSED (fixture->store, NOT_FOUND, delete_document, WEIR_DOCUMENT_WEBHOOK, "w");
}

static void
a_document_is_found_by_its_digest_alone (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirDocument) first = make_document (WEIR_DOCUMENT_TOKEN, "first", 5);
  g_autoptr (WeirDocument) second = make_document (WEIR_DOCUMENT_TOKEN, "second", 6);
  g_autoptr (WeirDocument) other = make_document (WEIR_DOCUMENT_SIGNING_KEY, "first", 6);
  g_autoptr (WeirDocument) found = NULL;
  g_autoptr (WeirDocument) of_kind = NULL;

  first->digest = g_strdup ("d1");
  second->digest = g_strdup ("d1");
  other->digest = g_strdup ("d1");
  put (fixture->store, first);
  put (fixture->store, other);
  REFUSED (fixture->store, EXISTS, put_document, second, 0);
  REFUSED (fixture->store, NOT_FOUND, get_document, WEIR_DOCUMENT_TOKEN, "second");
  of_kind = DO (fixture->store, find_document, WEIR_DOCUMENT_SIGNING_KEY, "d1");
  g_assert_cmpint (of_kind->kind, ==, WEIR_DOCUMENT_SIGNING_KEY);
  REFUSED (fixture->store, NOT_FOUND, find_document, WEIR_DOCUMENT_WEBHOOK, "d1");

  /* several without one are no doubles */
  g_clear_pointer (&second->digest, g_free);
  put (fixture->store, second);
  second->digest = g_strdup ("d1");
  REFUSED (fixture->store, EXISTS, put_document, second, 1);
  g_free (first->digest);
  first->digest = g_strdup ("d2");
  DO (fixture->store, put_document, first, 1);
  DO (fixture->store, put_document, second, 1);
  found = DO (fixture->store, find_document, WEIR_DOCUMENT_TOKEN, "d1");
  g_assert_cmpstr (found->id, ==, "second");
}

static void
documents_are_listed_oldest_first_by_account_and_parent (
    Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const struct {
    const gchar *account, *parent, *expected;
  } lists[] = {
      {NULL, NULL, "bcad"},
      {"account", NULL, "bca"},
      {NULL, "one", "bad"},
      {"account", "one", "ba"},
      {"another", "two", ""},
      {"none", NULL, ""},
  };
  static const struct {
    const gchar *id, *account, *parent;
    gint64 created_us;
  } documents[] = {
      {"a", "account", "one", 30},
      {"b", "account", "one", 10},
      {"c", "account", "two", 20},
      {"d", "another", "one", 30},
  };
  g_autoptr (WeirDocument) webhook = make_document (WEIR_DOCUMENT_WEBHOOK, "w", 1);

  put (fixture->store, webhook);
  for (guint i = 0; i < G_N_ELEMENTS (documents); i++) {
    g_autoptr (WeirDocument) document =
        weir_document_new (WEIR_DOCUMENT_OUTPUT, documents[i].account, documents[i].id);

    document->parent = g_strdup (documents[i].parent);
    document->created_us = documents[i].created_us;
    put (fixture->store, document);
  }
  for (guint i = 0; i < G_N_ELEMENTS (lists); i++) {
    g_autoptr (GPtrArray) listed = DO (
        fixture->store, list_documents, WEIR_DOCUMENT_OUTPUT, lists[i].account, lists[i].parent);
    g_autoptr (GString) ids = g_string_new (NULL);

    for (guint k = 0; k < listed->len; k++)
      g_string_append (ids, ((WeirDocument *) listed->pdata[k])->id);
    g_assert_cmpstr (ids->str, ==, lists[i].expected);
  }
}

static void
outputs_go_with_their_input (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const struct {
    WeirDocumentKind kind;
    const gchar *id, *parent;
    gboolean stays;
  } documents[] = {
      {WEIR_DOCUMENT_OUTPUT, "o1", "one", FALSE},
      {WEIR_DOCUMENT_OUTPUT, "o2", "one", FALSE},
      {WEIR_DOCUMENT_OUTPUT, "o3", "two", TRUE},
      {WEIR_DOCUMENT_WEBHOOK, "w", "one", TRUE},
  };

  create_input (fixture->store, "one", 1);
  create_input (fixture->store, "two", 2);
  for (guint i = 0; i < G_N_ELEMENTS (documents); i++) {
    g_autoptr (WeirDocument) document = make_document (documents[i].kind, documents[i].id, i + 1);

    document->parent = g_strdup (documents[i].parent);
    put (fixture->store, document);
  }
  REFUSED (fixture->store, NOT_FOUND, delete_input, "another", "one");
  g_string_truncate (fixture->told, 0);
  DO (fixture->store, delete_input, "account", "one");
  for (guint i = 0; i < G_N_ELEMENTS (documents); i++) {
    g_autoptr (WeirDocument) read =
        CALL (fixture->store, NULL, get_document, documents[i].kind, documents[i].id);

    g_assert_cmpint (read != NULL, ==, documents[i].stays);
  }
  g_assert_cmpstr (fixture->told->str, ==, "0 one;2 2/o1;2 2/o2;");
}

static void
keep_new (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  guint *counts = data;

  if (weir_store_add_document_finish (WEIR_STORE (source), result, &error))
    counts[0]++;
  else if (g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_FULL))
    counts[1]++;
  counts[2]++;
}

static void
of_many_documents_that_are_added_at_once_the_limit_stays (
    Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  guint counts[3] = {0}; /* added, too many, answered */
  g_autoptr (GPtrArray) listed = NULL;

  for (guint i = 0; i < 40; i++) {
    g_autofree gchar *id = g_strdup_printf ("w%u", i);
    g_autoptr (WeirDocument) document =
        make_document (i % 2 == 0 ? WEIR_DOCUMENT_WEBHOOK : WEIR_DOCUMENT_OUTPUT, id, (gint64) i);

    if (i % 2 == 1)
      document->parent = g_strdup (i % 4 == 1 ? "one" : "two");
    weir_store_add_document (fixture->store, document, 3, FALSE, keep_new, counts);
  }
  while (counts[2] < 40)
    g_main_context_iteration (NULL, TRUE);
  /* of webhooks, of outputs of one input, of another's */
  g_assert_cmpuint (counts[0], ==, 9);
  g_assert_cmpuint (counts[1], ==, 31);
  listed = DO (fixture->store, list_documents, WEIR_DOCUMENT_WEBHOOK, "account", NULL);
  g_assert_cmpuint (listed->len, ==, 3);
}

static void
nothing_is_added_to_an_account_that_is_gone (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirDocument) account = weir_document_new (WEIR_DOCUMENT_ACCOUNT, "", "account");
  g_autoptr (WeirDocument) first = make_document (WEIR_DOCUMENT_SIGNING_KEY, "k1", 1);
  g_autoptr (WeirDocument) second = make_document (WEIR_DOCUMENT_SIGNING_KEY, "k2", 1);

  REFUSED (fixture->store, NOT_FOUND, add_document, first, 0, TRUE);
  /* the home account's is no document */
  DO (fixture->store, add_document, first, 0, FALSE);
  put (fixture->store, account);
  DO (fixture->store, add_document, second, 0, TRUE);
  REFUSED (fixture->store, EXISTS, add_document, second, 0, TRUE);
}

static void
a_webhook_takes_its_delivery_along (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirDocument) webhook = make_document (WEIR_DOCUMENT_WEBHOOK, "w", 1);
  g_autoptr (WeirDocument) delivery = make_document (WEIR_DOCUMENT_DELIVERY, "w", 1);

  delivery->parent = g_strdup ("w");
  REFUSED (fixture->store, NOT_FOUND, put_document, delivery, 0);
  put (fixture->store, webhook);
  put (fixture->store, delivery);
  DO (fixture->store, delete_document, WEIR_DOCUMENT_WEBHOOK, "w");
  REFUSED (fixture->store, NOT_FOUND, get_document, WEIR_DOCUMENT_DELIVERY, "w");
  /* whoever was about to write it down comes too late */
  REFUSED (fixture->store, NOT_FOUND, put_document, delivery, 0);
}

static void
an_account_goes_with_all_its_documents_or_not_at_all (
    Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const WeirDocumentKind kinds[] = {WEIR_DOCUMENT_TOKEN, WEIR_DOCUMENT_WEBHOOK,
      WEIR_DOCUMENT_OUTPUT, WEIR_DOCUMENT_SIGNING_KEY, WEIR_DOCUMENT_DELIVERY};
  g_autoptr (WeirDocument) account = weir_document_new (WEIR_DOCUMENT_ACCOUNT, "", "account");
  g_autoptr (WeirDocument) other = weir_document_new (WEIR_DOCUMENT_WEBHOOK, "other", "o");
  g_autoptr (WeirDocument) kept = NULL;

  /* one row a kind that there is, but accounts themselves */
  g_assert_cmpuint (G_N_ELEMENTS (kinds), ==, WEIR_DOCUMENT_LAST - 1);
  REFUSED (fixture->store, NOT_FOUND, delete_account, "account");
  put (fixture->store, account);
  put (fixture->store, other);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    g_autoptr (WeirDocument) document = make_document (kinds[i], "d", 1);

    document->parent = g_strdup ("d");
    put (fixture->store, document);
  }
  create_input (fixture->store, "in", 1);
  REFUSED (fixture->store, IN_USE, delete_account, "account");
  DO (fixture->store, delete_input, "account", "in");
  begin (fixture->store, "b", "in", 1);
  REFUSED (fixture->store, IN_USE, delete_account, "account");
  DO (fixture->store, delete_broadcast, "b", NULL);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    g_autoptr (WeirDocument) document = DO (fixture->store, get_document, kinds[i], "d");

    g_assert_cmpstr (document->account, ==, "account");
  }
  g_string_truncate (fixture->told, 0);
  DO (fixture->store, delete_account, "account");
  while (g_main_context_iteration (NULL, FALSE))
    ;
  /* each is told of: who delivers to a webhook has to stop */
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    g_autofree gchar *told = g_strdup_printf ("2 %d/d;", (gint) kinds[i]);

    REFUSED (fixture->store, NOT_FOUND, get_document, kinds[i], "d");
    g_assert_nonnull (strstr (fixture->told->str, told));
  }
  REFUSED (fixture->store, NOT_FOUND, get_document, WEIR_DOCUMENT_ACCOUNT, "account");
  kept = DO (fixture->store, get_document, WEIR_DOCUMENT_WEBHOOK, "o");
}

/* ---- events ---- */

static guint64
append (WeirStore *store, const gchar *account, const gchar *type, gint64 time_us)
{
  g_autoptr (WeirEvent) event = weir_event_new (type, account, NULL, NULL, NULL);

  event->time_us = time_us;
  return DO (store, append_event, event);
}

/* Returns: the types of the events, one behind the other */
static gchar *
list_types (WeirStore *store, const gchar *account, guint64 after, guint limit)
{
  g_autoptr (GPtrArray) events = DO (store, list_events, account, after, limit);
  g_autoptr (GString) types = g_string_new (NULL);

  for (guint i = 0; i < events->len; i++) {
    const WeirEvent *event = events->pdata[i];

    g_assert_cmpuint (event->sequence, >, after);
    after = event->sequence;
    g_string_append (types, event->type);
  }
  return g_string_free (g_steal_pointer (&types), FALSE);
}

#define ASSERT_EVENTS(account, after, limit, expected)                                   \
  do {                                                                                   \
    g_autofree gchar *types_ = list_types (fixture->store, (account), (after), (limit)); \
    g_assert_cmpstr (types_, ==, (expected));                                            \
  } while (0)

static void
an_event_comes_back_as_it_was_appended (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirEvent) full = weir_event_new ("full", "account", "i", "b", "{\"a\":\"ü'\"}");
  g_autoptr (WeirEvent) bare = weir_event_new ("bare", "", NULL, NULL, NULL);
  g_autoptr (GPtrArray) events = NULL;
  const WeirEvent *read;
  guint64 first, second;

  full->sequence = 1000;
  first = DO (fixture->store, append_event, full);
  second = DO (fixture->store, append_event, bare);
  g_assert_cmpuint (second, >, first);
  restart (fixture);
  events = DO (fixture->store, list_events, NULL, 0, 10);
  g_assert_cmpuint (events->len, ==, 2);
  read = events->pdata[0];
  g_assert_cmpuint (read->sequence, ==, first);
  g_assert_cmpint (read->time_us, ==, full->time_us);
  g_assert_cmpstr (read->type, ==, "full");
  g_assert_cmpstr (read->account, ==, "account");
  g_assert_cmpstr (read->input, ==, "i");
  g_assert_cmpstr (read->broadcast, ==, "b");
  g_assert_cmpstr (read->data, ==, "{\"a\":\"ü'\"}");
  read = events->pdata[1];
  g_assert_cmpuint (read->sequence, ==, second);
  g_assert_null (read->input);
  g_assert_null (read->broadcast);
  g_assert_cmpstr (read->data, ==, "{}");
}

static void
events_are_read_from_any_cursor (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  guint64 second;

  append (fixture->store, "account", "a", 1);
  second = append (fixture->store, "another", "b", 1);
  append (fixture->store, "account", "c", 1);
  append (fixture->store, "account", "d", 1);
  ASSERT_EVENTS (NULL, 0, 10, "abcd");
  ASSERT_EVENTS (NULL, 0, 2, "ab");
  ASSERT_EVENTS (NULL, second, 10, "cd");
  ASSERT_EVENTS (NULL, second, 1, "c");
  ASSERT_EVENTS ("account", 0, 10, "acd");
  ASSERT_EVENTS ("account", 0, 2, "ac");
  ASSERT_EVENTS ("another", second, 10, "");
  ASSERT_EVENTS ("none", 0, 10, "");
  ASSERT_EVENTS (NULL, G_MAXUINT64 - 1, 10, "");
}

static void
the_newest_event_is_read_alone (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  static const struct {
    const gchar *account, *type;
  } rows[] = {{NULL, "c"}, {"account", "b"}, {"another", "c"}, {"none", NULL}};

  append (fixture->store, "account", "a", 1);
  append (fixture->store, "account", "b", 1);
  append (fixture->store, "another", "c", 1);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GPtrArray) events =
        DO (fixture->store, list_events, rows[i].account, WEIR_STORE_NEWEST, 10);

    g_assert_cmpuint (events->len, ==, rows[i].type != NULL ? 1 : 0);
    if (rows[i].type != NULL)
      g_assert_cmpstr (((const WeirEvent *) events->pdata[0])->type, ==, rows[i].type);
  }
}

static void
a_sequence_is_never_given_twice (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  guint64 last;

  append (fixture->store, "account", "a", 1);
  last = append (fixture->store, "account", "b", 2);
  DO (fixture->store, trim_events, 0, 0);
  ASSERT_EVENTS (NULL, 0, 10, "");
  restart (fixture);
  g_assert_cmpuint (append (fixture->store, "account", "c", 3), >, last);
}

static void
trimming_forgets_what_is_old_and_what_is_too_much (
    Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  /* the clock was set back in between */
  append (fixture->store, "account", "a", 10);
  append (fixture->store, "account", "b", 20);
  append (fixture->store, "account", "c", 15);
  append (fixture->store, "another", "d", 30);
  append (fixture->store, "account", "e", 40);
  DO (fixture->store, trim_events, 0, G_MAXUINT64);
  ASSERT_EVENTS (NULL, 0, 10, "abcde");
  DO (fixture->store, trim_events, 20, 100);
  ASSERT_EVENTS (NULL, 0, 10, "bde");
  DO (fixture->store, trim_events, 0, 3);
  ASSERT_EVENTS (NULL, 0, 10, "bde");
  DO (fixture->store, trim_events, 0, 2);
  ASSERT_EVENTS (NULL, 0, 10, "de");
  DO (fixture->store, trim_events, 31, 2);
  ASSERT_EVENTS (NULL, 0, 10, "e");
}

static void
count_appended (GObject *source, GAsyncResult *result, gpointer data)
{
  g_assert_cmpuint (weir_store_append_event_finish (WEIR_STORE (source), result, NULL), >, 0);
  (*(guint *) data)++;
}

static void
a_trim_of_thousands_goes_to_its_end (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirEvent) event = weir_event_new ("e", "account", NULL, NULL, NULL);
  g_autoptr (GPtrArray) left = NULL;
  guint appended = 0;

  for (guint i = 0; i < 3500; i++) {
    event->time_us = i;
    weir_store_append_event (fixture->store, event, count_appended, &appended);
  }
  while (appended < 3500)
    g_main_context_iteration (NULL, TRUE);
  DO (fixture->store, trim_events, 2400, 3400);
  left = DO (fixture->store, list_events, NULL, 0, 10000);
  g_assert_cmpuint (left->len, ==, 1100);
  g_assert_cmpint (((WeirEvent *) left->pdata[0])->time_us, ==, 2400);
}

static void
events_are_written_with_what_they_tell_of (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirEvent) committed = weir_event_new ("c", "account", "one", "b", NULL);
  g_autoptr (WeirEvent) ended = weir_event_new ("e", "account", "one", "b", NULL);
  g_autoptr (WeirEvent) deleted = weir_event_new ("d", "account", "one", "b", NULL);
  WeirSegmentCommit segment = {.number = 4, .entry = "entry", .event = committed};
  guint64 epoch = begin (fixture->store, "b", "one", 5);

  DO (fixture->store, commit_segment, "b", epoch, &segment);
  ASSERT_EVENTS (NULL, 0, 10, "c");
  /* told once, also when the answer was lost and it is committed again */
  DO (fixture->store, commit_segment, "b", epoch, &segment);
  ASSERT_EVENTS (NULL, 0, 10, "c");
  segment.number = 5;
  REFUSED (fixture->store, FENCED, commit_segment, "b", epoch + 1, &segment);
  REFUSED (fixture->store, FENCED, end_broadcast, "b", epoch + 1, WEIR_BROADCAST_READY, ended);
  REFUSED (fixture->store, NOT_FOUND, delete_broadcast, "none", deleted);
  ASSERT_EVENTS (NULL, 0, 10, "c");
  DO (fixture->store, end_broadcast, "b", epoch, WEIR_BROADCAST_READY, ended);
  ASSERT_EVENTS (NULL, 0, 10, "ce");
  DO (fixture->store, delete_broadcast, "b", deleted);
  ASSERT_EVENTS (NULL, 0, 10, "ced");
}

/* ---- changes are told ---- */

#define ASSERT_TOLD(expected)                             \
  do {                                                    \
    while (g_main_context_iteration (NULL, FALSE))        \
      ;                                                   \
    g_assert_cmpstr (fixture->told->str, ==, (expected)); \
    g_string_truncate (fixture->told, 0);                 \
  } while (0)

/* the answer of a call that is asked later comes behind what an earlier one tells */
static void
flush (WeirStore *store)
{
  REFUSED (store, NOT_FOUND, get_broadcast, "nothing of this name");
}

static void
every_change_is_told_once (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirLiveInput) input = make_input ("one", 1);
  g_autoptr (WeirBroadcastRecord) record = make_record ("b", "one", 1);
  g_autoptr (WeirBroadcastRecord) claimed = NULL;
  g_autoptr (WeirDocument) document = make_document (WEIR_DOCUMENT_WEBHOOK, "w", 1);
  guint64 epoch;

#define TOLD_AFTER(expected, ...)   \
  DO (fixture->store, __VA_ARGS__); \
  flush (fixture->store);           \
  ASSERT_TOLD (expected)
  TOLD_AFTER ("0 one;", create_input, input);
  input->modified_us = 2;
  TOLD_AFTER ("0 one;", update_input, input, 1);
  TOLD_AFTER ("0 one;", delete_input, "account", "one");
  epoch = begin (fixture->store, "b", "one", 1);
  flush (fixture->store);
  ASSERT_TOLD ("1 b;");
  claimed = DO (fixture->store, claim_broadcast, "b", epoch);
  flush (fixture->store);
  ASSERT_TOLD ("1 b;");
  record->modified_us = 2;
  TOLD_AFTER ("1 b;", edit_broadcast, record, 1);
  /* what an owner commits is its own business */
  TOLD_AFTER ("", commit_segment, "b", claimed->epoch, SEGMENT (0, "entry", "{}"));
  TOLD_AFTER ("", commit_state, "b", claimed->epoch, "{}");
  TOLD_AFTER ("", commit_inits, "b", claimed->epoch, "[]");
  TOLD_AFTER ("", forget_segments, "b", claimed->epoch, 1);
  TOLD_AFTER ("1 b;", end_broadcast, "b", claimed->epoch, WEIR_BROADCAST_READY, NULL);
  TOLD_AFTER ("1 b;", delete_broadcast, "b", NULL);
  TOLD_AFTER ("2 3/w;", put_document, document, 0);
  TOLD_AFTER ("2 3/w;", put_document, document, 1);
  TOLD_AFTER ("2 3/w;", delete_document, WEIR_DOCUMENT_WEBHOOK, "w");
  TOLD_AFTER ("", trim_events, 0, 0);
#undef TOLD_AFTER
}

static void
what_is_refused_is_not_told (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirLiveInput) input = make_input ("one", 1);
  g_autoptr (WeirBroadcastRecord) record = make_record ("b", "one", 1);
  g_autoptr (WeirDocument) document = make_document (WEIR_DOCUMENT_WEBHOOK, "w", 1);
  g_autoptr (WeirEvent) event = weir_event_new ("e", "account", NULL, NULL, NULL);
  guint64 epoch = begin (fixture->store, "b", "one", 1);

  DO (fixture->store, create_input, input);
  put (fixture->store, document);
  flush (fixture->store);
  ASSERT_TOLD ("1 b;0 one;2 3/w;");
  REFUSED (fixture->store, EXISTS, create_input, input);
  REFUSED (fixture->store, FENCED, update_input, input, 77);
  REFUSED (fixture->store, NOT_FOUND, delete_input, "account", "none");
  REFUSED (fixture->store, EXISTS, begin_broadcast, record);
  REFUSED (fixture->store, FENCED, claim_broadcast, "b", epoch + 1);
  REFUSED (fixture->store, FENCED, edit_broadcast, record, 77);
  REFUSED (fixture->store, FENCED, end_broadcast, "b", epoch + 1, WEIR_BROADCAST_READY, event);
  REFUSED (fixture->store, NOT_FOUND, delete_broadcast, "none", event);
  REFUSED (fixture->store, EXISTS, put_document, document, 0);
  REFUSED (fixture->store, NOT_FOUND, delete_document, WEIR_DOCUMENT_WEBHOOK, "none");
  flush (fixture->store);
  ASSERT_TOLD ("");
}

static void
of_events_the_newest_is_told (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autoptr (WeirEvent) event = weir_event_new ("e", "account", NULL, NULL, NULL);
  g_autofree gchar *one = NULL;
  g_autofree gchar *last = NULL;
  g_auto (GStrv) told = NULL;
  guint64 before = 0;
  guint appended = 0;

  one = g_strdup_printf ("3 %" G_GUINT64_FORMAT ";", append (fixture->store, "account", "a", 1));
  flush (fixture->store);
  ASSERT_TOLD (one);
  for (guint i = 0; i < 500; i++)
    weir_store_append_event (fixture->store, event, count_appended, &appended);
  while (appended < 500)
    g_main_context_iteration (NULL, TRUE);
  last = g_strdup_printf ("3 %" G_GUINT64_FORMAT ";", append (fixture->store, "account", "z", 1));
  flush (fixture->store);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_true (g_str_has_suffix (fixture->told->str, last));
  /* in order, and none twice */
  told = g_strsplit (fixture->told->str, ";", -1);
  for (guint i = 0; told[i][0] != '\0'; i++) {
    guint64 sequence = g_ascii_strtoull (told[i] + 2, NULL, 10);

    g_assert_cmpint (told[i][0], ==, '3');
    g_assert_cmpuint (sequence, >, before);
    before = sequence;
  }
}

typedef struct {
  WeirStore *store;
  guint seen;
} Reader;

static void
event_read (GObject *source, GAsyncResult *result, gpointer data)
{
  Reader *reader = data;
  g_autoptr (GPtrArray) events = weir_store_list_events_finish (WEIR_STORE (source), result, NULL);

  g_assert_cmpuint (events->len, ==, 1);
  reader->seen++;
}

static void
read_change (WeirStore *store, guint change, const gchar *id, gpointer data)
{
  if (change == WEIR_STORE_CHANGE_EVENT)
    weir_store_list_events (store, NULL, g_ascii_strtoull (id, NULL, 10) - 1, 1, event_read, data);
}

static void
what_is_told_can_be_read (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  Reader reader = {fixture->store, 0};

  g_signal_connect (fixture->store, "changed", G_CALLBACK (read_change), &reader);
  for (guint i = 0; i < 20; i++)
    append (fixture->store, "account", "e", 1);
  while (reader.seen < 20)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (reader.seen, ==, 20);
}

/* ---- backup ---- */

static void
a_backup_made_while_it_is_written_to_can_be_started_on (
    Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *path = g_build_filename (fixture->folder, "backup", NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirStore) copy = NULL;
  g_autoptr (WeirLiveInput) input = NULL;
  g_autoptr (WeirBroadcastRecord) record = NULL;
  g_autoptr (WeirDocument) document = make_document (WEIR_DOCUMENT_TOKEN, "t", 1);
  g_autoptr (WeirDocument) token = NULL;
  g_autoptr (GPtrArray) entries = NULL;
  guint64 epoch, number = 0, sequence;
  GStatBuf status;

  create_input (fixture->store, "one", 1);
  put (fixture->store, document);
  epoch = begin (fixture->store, "b", "one", 1);
  while (number < 50)
    commit_sized (fixture->store, "b", epoch, number++, 10, 1);
  sequence = append (fixture->store, "account", "a", 1);
  weir_store_backup (fixture->store, path, keep_result, &result);
  while (result == NULL || number < 60)
    commit_sized (fixture->store, "b", epoch, number++, 10, 1);
  g_assert_true (weir_store_backup_finish (fixture->store, result, &error));
  g_assert_no_error (error);
  g_assert_cmpint (g_stat (path, &status), ==, 0);
  g_assert_cmphex (status.st_mode & 0777, ==, 0600);

  copy = fixture->backend->open_backup (path, &error);
  g_assert_no_error (error);
  input = DO (copy, find_input, WEIR_SECRET_SRT, "secret-one-2");
  token = DO (copy, get_document, WEIR_DOCUMENT_TOKEN, "t");
  record = DO (copy, get_broadcast, "b");
  entries = DO (copy, list_segments, "b");
  g_assert_cmpuint (entries->len, >=, 50);
  g_assert_cmpuint (entries->len, <=, number);
  g_assert_cmpuint (record->segments, ==, entries->len);
  g_assert_cmpuint (record->size, ==, 10 * entries->len);
  /* what the original gives out meanwhile is never given again */
  for (guint i = 0; i < 20; i++) {
    g_autofree gchar *uid = g_strdup_printf ("later-%u", i);

    sequence = append (fixture->store, "account", "a", 1);
    epoch = begin (fixture->store, uid, "one", 2);
  }
  g_assert_cmpuint (append (copy, "account", "b", 1), >, sequence);
  g_assert_cmpuint (begin (copy, "c", "one", 2), >, epoch);
}

static void
a_backup_is_never_made_over_a_file (Fixture *fixture, G_GNUC_UNUSED gconstpointer data)
{
  g_autofree gchar *path = g_build_filename (fixture->folder, "file", NULL);
  g_autofree gchar *link = g_build_filename (fixture->folder, "link", NULL);
  g_autofree gchar *missing = g_build_filename (fixture->folder, "missing", "file", NULL);
  g_autofree gchar *content = NULL;

  g_assert_true (g_file_set_contents (path, "mine", -1, NULL));
  g_assert_cmpint (symlink ("nowhere", link), ==, 0);
  REFUSED (fixture->store, EXISTS, backup, path);
  REFUSED (fixture->store, EXISTS, backup, link);
  REFUSED (fixture->store, UNAVAILABLE, backup, missing);
  g_assert_true (g_file_get_contents (path, &content, NULL, NULL));
  g_assert_cmpstr (content, ==, "mine");
  g_assert_cmpint (g_unlink (path), ==, 0);
  DO (fixture->store, backup, path);
  /* and another one after it */
  REFUSED (fixture->store, EXISTS, backup, path);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD_TO_ALL (a_document_comes_back_as_it_was_put);
  ADD_TO_ALL (a_document_changes_by_its_revision);
  ADD_TO_ALL (a_document_is_found_by_its_digest_alone);
  ADD_TO_ALL (documents_are_listed_oldest_first_by_account_and_parent);
  ADD_TO_ALL (outputs_go_with_their_input);
  ADD_TO_ALL (of_many_documents_that_are_added_at_once_the_limit_stays);
  ADD_TO_ALL (nothing_is_added_to_an_account_that_is_gone);
  ADD_TO_ALL (a_webhook_takes_its_delivery_along);
  ADD_TO_ALL (an_account_goes_with_all_its_documents_or_not_at_all);
  ADD_TO_ALL (an_event_comes_back_as_it_was_appended);
  ADD_TO_ALL (events_are_read_from_any_cursor);
  ADD_TO_ALL (the_newest_event_is_read_alone);
  ADD_TO_ALL (a_sequence_is_never_given_twice);
  ADD_TO_ALL (trimming_forgets_what_is_old_and_what_is_too_much);
  ADD_TO_ALL (a_trim_of_thousands_goes_to_its_end);
  ADD_TO_ALL (events_are_written_with_what_they_tell_of);
  ADD_TO_ALL (every_change_is_told_once);
  ADD_TO_ALL (what_is_refused_is_not_told);
  ADD_TO_ALL (of_events_the_newest_is_told);
  ADD_TO_ALL (what_is_told_can_be_read);
  ADD_TO_ALL (a_backup_made_while_it_is_written_to_can_be_started_on);
  ADD_TO_ALL (a_backup_is_never_made_over_a_file);
  return g_test_run ();
}
