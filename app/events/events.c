/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "events/events.h"

#include "api/json.h"

#include <string.h>

#undef G_LOG_DOMAIN
#define G_LOG_DOMAIN "weir"

#define RETRY_FIRST_MS 100
#define RETRY_LAST_MS 5000
#define TRIM_INTERVAL_S 60
#define KEY_SHOWN 4
#define KEY_STARS_MAX 32

struct _WeirEvents {
  gatomicrefcount ref_count;
  WeirStore *store;
  gchar *account;

  GMutex lock;
  GQueue waiting; /* of WeirEvent */
  guint64 lost;   /* since it was told of */
  gboolean woken; /* the main thread will look at them */

  /* main thread */
  WeirEvent *current; /* the store has it */
  guint retry_source;
  guint retry_ms;
  guint trim_source;
  gint64 keep_us;
  guint64 keep_max;
  gboolean trimming;
  gboolean freed;
  void (*drained) (gpointer data);
  gpointer drained_data;
};

static void pump (WeirEvents *self);

static WeirEvents *
events_ref (WeirEvents *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

static void
events_unref (WeirEvents *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_queue_clear_full (&self->waiting, (GDestroyNotify) weir_event_free);
  g_clear_pointer (&self->current, weir_event_free);
  g_mutex_clear (&self->lock);
  g_object_unref (self->store);
  g_free (self->account);
  g_free (self);
}

WeirEvents *
weir_events_new (WeirStore *store, const gchar *account)
{
  WeirEvents *self = g_new0 (WeirEvents, 1);

  g_atomic_ref_count_init (&self->ref_count);
  g_mutex_init (&self->lock);
  g_queue_init (&self->waiting);
  self->store = g_object_ref (store);
  self->account = g_strdup (account);
  self->retry_ms = RETRY_FIRST_MS;
  return self;
}

/* with the lock held: those that were lost are told of where they are missing */
static void
tell_lost (WeirEvents *self)
{
  g_autofree gchar *data = NULL;

  if (self->lost == 0)
    return;
  data = g_strdup_printf ("{\"count\":%" G_GUINT64_FORMAT "}", self->lost);
  self->lost = 0;
  g_queue_push_tail (
      &self->waiting, weir_event_new (WEIR_EVENT_LOST, self->account, NULL, NULL, data));
}

/* Returns: (transfer full) (nullable) */
static WeirEvent *
take_next (WeirEvents *self)
{
  WeirEvent *event;

  g_mutex_lock (&self->lock);
  event = g_queue_pop_head (&self->waiting);
  if (event == NULL) {
    tell_lost (self);
    event = g_queue_pop_head (&self->waiting);
  }
  g_mutex_unlock (&self->lock);
  return event;
}

static void
report_drained (WeirEvents *self)
{
  void (*drained) (gpointer data) = self->drained;

  self->drained = NULL;
  if (drained != NULL)
    drained (self->drained_data);
}

static gboolean
retry (gpointer data)
{
  WeirEvents *self = data;

  self->retry_source = 0;
  pump (self);
  return G_SOURCE_REMOVE;
}

static void
wait_for_store (WeirEvents *self, WeirEvent *event)
{
  g_mutex_lock (&self->lock);
  g_queue_push_head (&self->waiting, event);
  g_mutex_unlock (&self->lock);
  self->retry_source = g_timeout_add (self->retry_ms, retry, self);
  self->retry_ms = MIN (2 * self->retry_ms, RETRY_LAST_MS);
  report_drained (self);
}

static void
appended (GObject *source, GAsyncResult *result, gpointer user_data)
{
  WeirEvents *self = user_data;
  g_autoptr (GError) error = NULL;
  guint64 sequence = weir_store_append_event_finish (WEIR_STORE (source), result, &error);
  WeirEvent *event = g_steal_pointer (&self->current);

  if (self->freed) {
    weir_event_free (event);
  } else if (sequence == 0 &&
             g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_UNAVAILABLE)) {
    wait_for_store (self, event);
  } else {
    if (sequence == 0) {
      g_message ("an event %s cannot be kept: %s", event->type, error->message);
      g_mutex_lock (&self->lock);
      self->lost += strcmp (event->type, WEIR_EVENT_LOST) != 0;
      g_mutex_unlock (&self->lock);
    }
    weir_event_free (event);
    self->retry_ms = RETRY_FIRST_MS;
    pump (self);
  }
  events_unref (self);
}

/* one at a time: a store that refuses one and takes the next would change their order */
static void
pump (WeirEvents *self)
{
  if (self->current != NULL || self->retry_source != 0 || self->freed)
    return;
  self->current = take_next (self);
  if (self->current == NULL) {
    report_drained (self);
    return;
  }
  weir_store_append_event (self->store, self->current, appended, events_ref (self));
}

void
weir_events_free (WeirEvents *self)
{
  WeirEvent *event;

  if (self == NULL)
    return;
  self->freed = TRUE;
  self->drained = NULL;
  g_clear_handle_id (&self->retry_source, g_source_remove);
  g_clear_handle_id (&self->trim_source, g_source_remove);
  while ((event = take_next (self)) != NULL) {
    weir_store_append_event (self->store, event, NULL, NULL);
    weir_event_free (event);
  }
  events_unref (self);
}

static gboolean
woken (gpointer data)
{
  WeirEvents *self = data;

  g_mutex_lock (&self->lock);
  self->woken = FALSE;
  g_mutex_unlock (&self->lock);
  pump (self);
  return G_SOURCE_REMOVE;
}

/* a source of its own, for g_main_context_invoke() would run at once what is emitted on the main
 * thread */
static void
wake (WeirEvents *self)
{
  GSource *source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, woken, events_ref (self), (GDestroyNotify) events_unref);
  g_source_attach (source, NULL);
  g_source_unref (source);
}

void
weir_events_emit (WeirEvents *self, WeirEvent *event)
{
  gboolean wakes;

  if (event->account == NULL || event->account[0] == '\0') {
    g_free (event->account);
    event->account = g_strdup (self->account);
  }
  g_mutex_lock (&self->lock);
  if (self->waiting.length >= WEIR_EVENTS_WAITING_MAX) {
    self->lost++;
    g_clear_pointer (&event, weir_event_free);
  } else {
    tell_lost (self);
    g_queue_push_tail (&self->waiting, event);
  }
  wakes = !self->woken;
  self->woken = TRUE;
  g_mutex_unlock (&self->lock);
  if (wakes)
    wake (self);
}

void
weir_events_drain (WeirEvents *self, void (*done) (gpointer data), gpointer data)
{
  self->drained = done;
  self->drained_data = data;
  if (self->retry_source != 0)
    report_drained (self);
  else
    pump (self);
}

/* retention */

static void
trimmed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  WeirEvents *self = user_data;
  g_autoptr (GError) error = NULL;

  self->trimming = FALSE;
  if (!weir_store_trim_events_finish (WEIR_STORE (source), result, &error))
    g_info ("old events are kept for now: %s", error->message);
  events_unref (self);
}

static gboolean
trim (gpointer data)
{
  WeirEvents *self = data;

  if (self->trimming)
    return G_SOURCE_CONTINUE;
  self->trimming = TRUE;
  weir_store_trim_events (
      self->store, g_get_real_time () - self->keep_us, self->keep_max, trimmed, events_ref (self));
  return G_SOURCE_CONTINUE;
}

void
weir_events_set_retention (WeirEvents *self, gint64 keep_us, guint64 max)
{
  self->keep_us = keep_us;
  self->keep_max = max;
  g_clear_handle_id (&self->trim_source, g_source_remove);
  self->trim_source = g_timeout_add_seconds (TRIM_INTERVAL_S, trim, self);
  trim (self);
}

/* what is said of one */

void
weir_event_add_json (GString *json, const WeirEvent *event)
{
  weir_json_begin_object (json, NULL);
  weir_json_add_int (json, "sequence", (gint64) event->sequence);
  weir_json_add_time (json, "time", event->time_us);
  weir_json_add_string (json, "type", event->type);
  weir_json_add_string (json, "input", event->input);
  weir_json_add_string (json, "broadcast", event->broadcast);
  weir_json_add_text (json, "data", event->data);
  weir_json_end_object (json);
}

gchar *
weir_event_to_json (const WeirEvent *event)
{
  g_autoptr (GString) json = g_string_new (NULL);

  weir_event_add_json (json, event);
  return g_string_free (g_steal_pointer (&json), FALSE);
}

gchar *
weir_event_make_data (const gchar *first_name, ...)
{
  g_autoptr (GString) json = g_string_new (NULL);
  va_list arguments;

  weir_json_begin_object (json, NULL);
  va_start (arguments, first_name);
  for (const gchar *name = first_name; name != NULL; name = va_arg (arguments, const gchar *))
    weir_json_add_string (json, name, va_arg (arguments, const gchar *));
  va_end (arguments);
  weir_json_end_object (json);
  return g_string_free (g_steal_pointer (&json), FALSE);
}

gboolean
weir_event_type_matches (const gchar *type, const gchar *const *patterns)
{
  for (; *patterns != NULL; patterns++) {
    gsize size = strlen (*patterns);

    if (size > 0 && (*patterns)[size - 1] == '*' ? strncmp (type, *patterns, size - 1) == 0
                                                 : strcmp (type, *patterns) == 0)
      return TRUE;
  }
  return FALSE;
}

gchar *
weir_event_mask_key (const gchar *key)
{
  const gchar *uid = strrchr (key, 'k');
  gsize size = strlen (key);
  gsize shown = MIN (size, KEY_SHOWN);
  GString *masked;

  /* only what looks like a live input's uid is none of the secret */
  if (uid == NULL || strlen (uid + 1) != 32 || strspn (uid + 1, "0123456789abcdef") != 32)
    uid = NULL;
  /* of a short one, the beginning would tell most */
  if (size < 2 * KEY_SHOWN)
    shown = 0;
  masked = g_string_new_len (key, (gssize) shown);
  for (gsize i = shown; i < (uid != NULL ? (gsize) (uid - key) : size); i++) {
    if (i < KEY_STARS_MAX)
      g_string_append_c (masked, '*');
  }
  g_string_append (masked, uid != NULL ? uid : "");
  return g_string_free (masked, FALSE);
}
