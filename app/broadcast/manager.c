/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "broadcast/manager.h"

#include "broadcast/broadcast.h"
#include "auth/auth.h"
#include "base/strangers.h"
#include "memory.h"
#include "recordings/settings.h"

#include <gst/gst.h>
#include <string.h>

#undef G_LOG_DOMAIN
#define G_LOG_DOMAIN "weir"

/* an index stays in memory for viewers who are still there, or who share it */
#define KEEP_US (5 * 60 * G_USEC_PER_SEC)
#define KEEP_MAX 1024
/* of what was not stored, too, but not for so long: those who are behind are by three target
 * durations, and RFC 8216bis 6.2.2 gives them the length of a playlist more */
#define KEEP_MEMORY_MS (30 * 1000)
/* how long an encoder may take to leave by itself when the daemon stops */
#define LEAVE_US (2 * G_USEC_PER_SEC)
/* events about refusals of one account: a second, at once */
#define REFUSALS_RATE 1
#define REFUSALS_BURST 20

typedef struct {
  WeirIndex *index;
  gint64 until_us;
} KeptIndex;

struct _WeirBroadcastManager {
  const WeirConfig *config;
  WeirStore *store;
  WeirBlobs *blobs;
  WeirWorkerPool *workers;
  WeirSpoolWriter *writer;

  WeirCounters *counters; /* (nullable) */
  WeirEvents *events;     /* (nullable) */
  gint full;              /* atomic: there are recordings enough */

  /* main thread */
  WeirStrangerLog log;     /* refusals: whoever is refused may come again at once */
  GHashTable *refusals;    /* account → Refusals; "" of those whom nobody knows */
  GHashTable *known_gops;  /* input uid → gint64 ns */
  GQueue waiting;          /* of Request: their input's last broadcast is still ending */
  GQueue held;             /* of Request: to be tried again, soon */
  GQueue ended;            /* of EndedMemory */
  WeirSpoolClient *memory; /* counts it */
  gboolean draining;
  void (*drained) (gpointer data);
  gpointer drained_data;

  GMutex lock;                /* what follows */
  GHashTable *by_input;       /* input uid → WeirBroadcast that runs */
  GHashTable *by_uid;         /* the same by broadcast uid */
  GHashTable *starting;       /* input uid → Starting: a first connection is on its way */
  GHashTable *kept;           /* broadcast uid → KeptIndex of one that has ended */
  GHashTable *last;           /* input uid → KeptIndex of the one that ended last */
  WeirBroadcastTotals totals; /* of broadcasts that have ended */
};

static void
kept_index_free (KeptIndex *kept)
{
  weir_index_unref (kept->index);
  g_free (kept);
}

/* under the lock: @table is one of `kept` and `last` */
static void
keep_index (GHashTable *table, const gchar *id, WeirIndex *index)
{
  KeptIndex *kept = g_new0 (KeptIndex, 1);
  gint64 now = g_get_monotonic_time ();
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    if (((KeptIndex *) value)->until_us < now || g_hash_table_size (table) >= KEEP_MAX)
      g_hash_table_iter_remove (&iter);
  }
  kept->index = weir_index_ref (index);
  kept->until_us = now + KEEP_US;
  g_hash_table_replace (table, g_strdup (id), kept);
}

/* under the lock. Returns: (transfer full) (nullable) */
static WeirIndex *
find_kept (GHashTable *table, const gchar *id)
{
  const KeptIndex *kept = g_hash_table_lookup (table, id);

  if (kept == NULL || kept->until_us < g_get_monotonic_time ())
    return NULL;
  return weir_index_ref (kept->index);
}

/* under the lock. @id: an input's uid or a broadcast's */
static WeirBroadcast *
manager_find (WeirBroadcastManager *self, const gchar *id)
{
  WeirBroadcast *broadcast = g_hash_table_lookup (self->by_input, id);

  return broadcast != NULL ? broadcast : g_hash_table_lookup (self->by_uid, id);
}

static void
manager_check_drained (WeirBroadcastManager *self)
{
  if (!self->draining || self->drained == NULL || g_hash_table_size (self->by_uid) > 0 ||
      g_hash_table_size (self->starting) > 0)
    return;
  self->drained (self->drained_data);
  self->drained = NULL;
}

/* ---- what a broadcast that has ended still has in memory, as the disk did not take it ---- */

typedef struct {
  WeirBroadcastManager *manager;
  WeirIndex *index;
  gsize bytes;
  GSource *timer;
} EndedMemory;

static void
ended_memory_free (EndedMemory *ended)
{
  weir_index_forget_memory (ended->index, 0, G_MAXSIZE);
  weir_spool_client_hold (ended->manager->memory, -(gssize) ended->bytes);
  g_source_destroy (ended->timer);
  g_source_unref (ended->timer);
  weir_index_unref (ended->index);
  g_free (ended);
}

static gboolean
ended_memory_over (gpointer data)
{
  EndedMemory *ended = data;

  g_queue_remove (&ended->manager->ended, ended);
  ended_memory_free (ended);
  return G_SOURCE_REMOVE;
}

/* It stays for those who are behind, as it did while it was live, if nobody else needs the room. */
static void
manager_keep_memory (WeirBroadcastManager *self, WeirIndex *index)
{
  gsize bytes = weir_index_get_memory (index);
  EndedMemory *ended;

  if (bytes == 0)
    return;
  ended = g_new0 (EndedMemory, 1);
  ended->manager = self;
  ended->index = weir_index_ref (index);
  ended->bytes = bytes;
  ended->timer = g_timeout_source_new (KEEP_MEMORY_MS);
  g_source_set_callback (ended->timer, ended_memory_over, ended, NULL);
  g_source_attach (ended->timer, NULL);
  weir_spool_client_hold (self->memory, (gssize) bytes);
  g_queue_push_tail (&self->ended, ended);
  while (weir_spool_client_get_excess (self->memory) > 0)
    ended_memory_free (g_queue_pop_head (&self->ended));
}

static void manager_admit_waiting (WeirBroadcastManager *self, const gchar *input);

static void
on_broadcast_changed (WeirBroadcast *broadcast, G_GNUC_UNUSED gpointer data)
{
  WeirBroadcastStatus *status = weir_broadcast_get_status (broadcast);

  g_message ("broadcast %s: %s input=%s", status->uid, weir_lifecycle_get_name (status->state),
      status->input);
  weir_broadcast_status_free (status);
}

static void
on_broadcast_ended (WeirBroadcast *broadcast, gpointer data)
{
  WeirBroadcastManager *self = data;
  g_autofree gchar *input = g_strdup (weir_broadcast_get_input (broadcast));
  const gchar *uid = weir_broadcast_get_uid (broadcast);
  gint64 gop = weir_broadcast_get_gop (broadcast);
  g_autoptr (WeirIndex) index = weir_broadcast_get_index (broadcast);
  const KeptIndex *before;
  gboolean idle;

  if (gop > 0)
    g_hash_table_replace (self->known_gops, g_strdup (input), g_memdup2 (&gop, sizeof gop));
  /* what has been committed can be opened by its name */
  weir_index_release_blobs (index, 0);
  manager_keep_memory (self, index);
  g_mutex_lock (&self->lock);
  weir_broadcast_add_to_totals (broadcast, &self->totals);
  self->totals.refused = 0;
  memset (self->totals.health_issues, 0, sizeof self->totals.health_issues);
  /* whoever watches the one before has had this one's time for that */
  before = g_hash_table_lookup (self->last, input);
  if (before != NULL)
    g_hash_table_remove (self->kept, weir_index_get_broadcast (before->index));
  keep_index (self->kept, uid, index);
  keep_index (self->last, input, index);
  if (g_hash_table_lookup (self->by_input, input) == broadcast)
    g_hash_table_remove (self->by_input, input);
  g_hash_table_remove (self->by_uid, uid);
  idle = g_hash_table_size (self->by_uid) == 0 && g_hash_table_size (self->starting) == 0;
  g_mutex_unlock (&self->lock);
  if (weir_broadcast_is_recorded (broadcast) && !weir_broadcast_is_suspended (broadcast))
    g_message (
        "broadcast %s: %s input=%s", uid, weir_lifecycle_get_name (WEIR_LIFECYCLE_READY), input);
  weir_broadcast_free (broadcast);
  if (idle)
    weir_memory_give_back ();
  manager_admit_waiting (self, input);
  manager_check_drained (self);
}

/* ---- a connection asks to publish ---- */

typedef struct {
  WeirBroadcastManager *manager;
  WeirConnection *connection;
  WeirLiveInput *input;
  GSource *timer; /* (nullable): while it is held */
  gboolean held;  /* it has been */
} Request;

typedef struct {
  WeirConnection *connection;
  gchar *revoked; /* (nullable): why it is not wanted any more */
} Starting;

static void
starting_free (Starting *starting)
{
  g_object_unref (starting->connection);
  g_free (starting->revoked);
  g_free (starting);
}

static void
request_free (Request *request)
{
  if (request->timer != NULL)
    g_source_destroy (request->timer);
  g_clear_pointer (&request->timer, g_source_unref);
  g_object_unref (request->connection);
  weir_live_input_free (request->input);
  g_free (request);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Request, request_free)

/* strangers do not fill the log of events */
typedef struct {
  WeirTokenBucket events;
  gint64 left_out; /* since the last that was told of */
} Refusals;

static void
request_tell_refused (Request *request, const gchar *reason)
{
  WeirBroadcastManager *self = request->manager;
  const gchar *account = request->input != NULL ? request->input->account : "";
  Refusals *refusals = g_hash_table_lookup (self->refusals, account);
  gint64 now_us = g_get_monotonic_time ();
  g_autofree gchar *key = NULL, *left_out = NULL, *data = NULL;

  if (self->events == NULL)
    return;
  if (refusals == NULL) {
    refusals = g_new0 (Refusals, 1);
    weir_token_bucket_init (&refusals->events, REFUSALS_RATE, REFUSALS_BURST, now_us);
    g_hash_table_insert (self->refusals, g_strdup (account), refusals);
  }
  if (!weir_token_bucket_take (&refusals->events, 1, now_us)) {
    refusals->left_out++;
    weir_counters_add (self->counters, WEIR_REASON_REFUSAL_NOT_TOLD);
    return;
  }
  key = weir_event_mask_key (weir_connection_get_secret (request->connection));
  left_out =
      refusals->left_out > 0 ? g_strdup_printf ("%" G_GINT64_FORMAT, refusals->left_out) : NULL;
  refusals->left_out = 0;
  data = weir_event_make_data ("reason", reason, "protocol",
      weir_connection_get_protocol (request->connection), "address",
      weir_connection_get_peer (request->connection), "key", key, "leftOut", left_out, NULL);
  weir_events_emit (
      self->events, weir_event_new (WEIR_EVENT_PUBLISH_REFUSED, account,
                        request->input != NULL ? request->input->uid : NULL, NULL, data));
}

/* @reason: static, of those in the header */
static void
request_refuse (
    Request *request, WeirRefusal refusal, const gchar *reason, const gchar *description)
{
  WeirBroadcastManager *self = request->manager;

  weir_stranger_log (&self->log, g_get_monotonic_time (),
      "connection %" G_GUINT64_FORMAT " %s %s refused: input=%s reason=\"%s\"",
      weir_connection_get_id (request->connection),
      weir_connection_get_protocol (request->connection),
      weir_connection_get_peer (request->connection),
      request->input != NULL ? request->input->uid : "-", description);
  weir_counters_add (self->counters, reason);
  request_tell_refused (request, reason);
  g_mutex_lock (&self->lock);
  self->totals.refused_total++;
  g_mutex_unlock (&self->lock);
  weir_connection_refuse (request->connection, refusal, description);
}

static void request_admit (Request *request);

static gboolean
request_again (gpointer data)
{
  Request *request = data;

  g_queue_remove (&request->manager->held, request);
  g_clear_pointer (&request->timer, g_source_unref);
  request_admit (request);
  return G_SOURCE_REMOVE;
}

/* @request: (transfer full): no answer yet; the connection has its own deadline */
static void
request_hold (Request *request)
{
  WeirBroadcastManager *self = request->manager;

  if (!request->held) {
    g_mutex_lock (&self->lock);
    self->totals.held_total++;
    g_mutex_unlock (&self->lock);
  }
  request->held = TRUE;
  request->timer = g_timeout_source_new (WEIR_BROADCAST_HELD_MS);
  g_source_set_callback (request->timer, request_again, request, NULL);
  g_source_attach (request->timer, NULL);
  g_queue_push_tail (&self->held, request);
}

/* @request: (transfer full) */
static WeirBroadcastAnswer
request_connect (Request *the_request, WeirBroadcast *broadcast)
{
  g_autoptr (Request) request = the_request;
  WeirBroadcastManager *self = request->manager;
  WeirBroadcastAnswer answer = weir_broadcast_connect (broadcast, request->connection);

  switch (answer) {
  case WEIR_BROADCAST_CONNECTED:
    break;
  case WEIR_BROADCAST_HELD:
    /* a refusal makes some encoders stop for good */
    request_hold (g_steal_pointer (&request));
    return answer;
  case WEIR_BROADCAST_BUSY:
    request_refuse (
        request, WEIR_REFUSAL_IN_USE, WEIR_REASON_IN_USE, "Someone else is already publishing.");
    return answer;
  case WEIR_BROADCAST_DAMPED:
    request_refuse (request, WEIR_REFUSAL_IN_USE, WEIR_REASON_TAKEOVER_DAMPED,
        "Someone else is publishing, and the encoders have changed too often.");
    return answer;
  case WEIR_BROADCAST_ENDING:
    /* likewise; the connection has its own deadline */
    g_queue_push_tail (&self->waiting, g_steal_pointer (&request));
    return answer;
  case WEIR_BROADCAST_GONE:
    return answer;
  }
  g_mutex_lock (&self->lock);
  self->totals.connections_total++;
  g_mutex_unlock (&self->lock);
  g_message ("connection %" G_GUINT64_FORMAT " %s %s publishes: input=%s broadcast=%s",
      weir_connection_get_id (request->connection),
      weir_connection_get_protocol (request->connection),
      weir_connection_get_peer (request->connection), request->input->uid,
      weir_broadcast_get_uid (broadcast));
  return answer;
}

static WeirBroadcastContext
manager_make_context (WeirBroadcastManager *self)
{
  return (WeirBroadcastContext){self->config, self->store, self->blobs, self->workers, self->writer,
      self->counters, self->events, &self->full, on_broadcast_changed, on_broadcast_ended, self};
}

static void
manager_add (WeirBroadcastManager *self, WeirBroadcast *broadcast)
{
  g_mutex_lock (&self->lock);
  g_hash_table_replace (self->by_input, g_strdup (weir_broadcast_get_input (broadcast)), broadcast);
  g_hash_table_replace (self->by_uid, g_strdup (weir_broadcast_get_uid (broadcast)), broadcast);
  g_mutex_unlock (&self->lock);
}

static void
broadcast_claimed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Request) request = data;
  WeirBroadcastManager *self = request->manager;
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirBroadcastRecord) record =
      weir_store_begin_broadcast_finish (WEIR_STORE (source), result, &error);
  const WeirBroadcastContext context = manager_make_context (self);
  const gint64 *gop = g_hash_table_lookup (self->known_gops, request->input->uid);
  WeirBroadcast *broadcast;
  g_autofree gchar *revoked = NULL;
  Starting *starting;

  g_mutex_lock (&self->lock);
  starting = g_hash_table_lookup (self->starting, request->input->uid);
  revoked = g_steal_pointer (&starting->revoked);
  g_hash_table_remove (self->starting, request->input->uid);
  g_mutex_unlock (&self->lock);
  if (record == NULL) {
    g_message ("input %s: no broadcast could be begun: %s", request->input->uid, error->message);
    request_refuse (request, WEIR_REFUSAL_UNAVAILABLE, WEIR_REASON_STORE_UNAVAILABLE,
        "Not available now, try again.");
    manager_check_drained (self);
    return;
  }
  broadcast = weir_broadcast_new (&context, record, request->input, gop != NULL ? *gop : 0);
  manager_add (self, broadcast);
  if (self->draining) {
    request_refuse (
        request, WEIR_REFUSAL_OVERLOAD, WEIR_REASON_SHUTTING_DOWN, "The server is shutting down.");
    weir_broadcast_end (broadcast, "The server is shutting down.");
    return;
  }
  if (revoked != NULL) {
    request_refuse (request, WEIR_REFUSAL_NOT_ALLOWED, WEIR_REASON_INPUT_REVOKED, revoked);
    weir_broadcast_end (broadcast, revoked);
    return;
  }
  if (request_connect (g_steal_pointer (&request), broadcast) != WEIR_BROADCAST_CONNECTED)
    weir_broadcast_end (broadcast, "The encoder has left.");
}

WeirAdoption
weir_broadcast_manager_adopt (WeirBroadcastManager *self, const WeirBroadcastRecord *record,
    const WeirLiveInput *input, const WeirResume *resume, WeirIndex *index)
{
  const WeirBroadcastContext context = manager_make_context (self);
  gboolean taken;

  if (self->draining)
    return WEIR_ADOPTION_STOPPING;
  g_mutex_lock (&self->lock);
  taken = g_hash_table_contains (self->by_input, input->uid) ||
          g_hash_table_contains (self->starting, input->uid);
  g_mutex_unlock (&self->lock);
  if (taken)
    return WEIR_ADOPTION_OUTDATED;
  manager_add (self, weir_broadcast_resume (&context, record, input, resume, index));
  return WEIR_ADOPTION_TAKEN;
}

static void
manager_begin_starting (WeirBroadcastManager *self, Request *request)
{
  Starting *starting = g_new0 (Starting, 1);

  starting->connection = g_object_ref (request->connection);
  g_hash_table_insert (self->starting, g_strdup (request->input->uid), starting);
}

/* @request: (transfer full): its input is known and may be published to */
static void
request_admit (Request *the_request)
{
  g_autoptr (Request) request = the_request;
  WeirBroadcastManager *self = request->manager;
  WeirBroadcastRecord *record;
  WeirBroadcast *running;
  gboolean starting;

  if (!weir_connection_is_undecided (request->connection))
    return;
  if (self->draining) {
    request_refuse (
        request, WEIR_REFUSAL_OVERLOAD, WEIR_REASON_SHUTTING_DOWN, "The server is shutting down.");
    return;
  }
  g_mutex_lock (&self->lock);
  running = g_hash_table_lookup (self->by_input, request->input->uid);
  starting = g_hash_table_contains (self->starting, request->input->uid);
  if (running == NULL && !starting)
    manager_begin_starting (self, request);
  g_mutex_unlock (&self->lock);
  if (running != NULL) {
    request_connect (g_steal_pointer (&request), running);
    return;
  }
  if (starting) {
    request_hold (g_steal_pointer (&request));
    return;
  }
  record = g_new0 (WeirBroadcastRecord, 1);
  record->uid = weir_random_hex (16);
  record->input = g_strdup (request->input->uid);
  record->account = g_strdup (request->input->account);
  record->recorded = request->input->recording_mode == WEIR_RECORDING_AUTOMATIC ||
                     (request->input->recording_mode == WEIR_RECORDING_DEFAULT &&
                         self->config->recording.automatic);
  record->created_us = record->modified_us = g_get_real_time ();
  weir_recording_describe (record, request->input, self->config->recording.delete_after);
  weir_store_begin_broadcast (self->store, record, broadcast_claimed, g_steal_pointer (&request));
  weir_broadcast_record_free (record);
}

static void
manager_admit_waiting (WeirBroadcastManager *self, const gchar *input)
{
  GQueue waiting = self->waiting;
  Request *request;

  /* those that still have to wait get in line again */
  g_queue_init (&self->waiting);
  while ((request = g_queue_pop_head (&waiting)) != NULL) {
    if (g_str_equal (request->input->uid, input))
      request_admit (request);
    else
      g_queue_push_tail (&self->waiting, request);
  }
}

static void
input_found (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Request) request = data;
  g_autoptr (GError) error = NULL;

  request->input = weir_store_find_input_finish (WEIR_STORE (source), result, &error);
  if (request->input == NULL) {
    if (g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND))
      request_refuse (request, WEIR_REFUSAL_NOT_ALLOWED, WEIR_REASON_UNKNOWN_KEY,
          "This stream key is not known.");
    else
      request_refuse (request, WEIR_REFUSAL_UNAVAILABLE, WEIR_REASON_STORE_UNAVAILABLE,
          "Not available now, try again.");
    return;
  }
  if (!request->input->enabled) {
    request_refuse (request, WEIR_REFUSAL_NOT_ALLOWED, WEIR_REASON_INPUT_DISABLED,
        "This live input is disabled.");
    return;
  }
  request_admit (g_steal_pointer (&request));
}

static gboolean
authorise_on_main (gpointer data)
{
  Request *request = data;
  WeirSecret kind = weir_broadcast_get_secret_kind (request->connection);

  weir_store_find_input (request->manager->store, kind,
      weir_connection_get_secret (request->connection), input_found, request);
  return G_SOURCE_REMOVE;
}

gboolean
weir_broadcast_manager_authorise (WeirBroadcastManager *self, WeirConnection *connection)
{
  Request *request = g_new0 (Request, 1);

  request->manager = self;
  request->connection = g_object_ref (connection);
  g_main_context_invoke (NULL, authorise_on_main, request);
  return TRUE;
}

/* ---- a live input changes ---- */

/* Returns: (transfer container): the broadcasts that run */
static GPtrArray *
manager_get_running (WeirBroadcastManager *self, const gchar *input)
{
  GPtrArray *running = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer value;

  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->by_uid);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    if (input == NULL || g_str_equal (weir_broadcast_get_input (value), input))
      g_ptr_array_add (running, value);
  }
  g_mutex_unlock (&self->lock);
  return running;
}

/* @now: (nullable): as it is now; NULL: nobody may publish to it any more. Whoever has been let in,
 * but does not publish yet */
static void
refuse_early (
    GQueue *requests, const gchar *input, const WeirLiveInput *now, const gchar *description)
{
  GList *link = requests->head;

  while (link != NULL) {
    GList *next = link->next;
    Request *request = link->data;

    if (g_str_equal (request->input->uid, input) &&
        (now == NULL || !weir_broadcast_is_admitted (now, request->connection))) {
      request_refuse (request, WEIR_REFUSAL_NOT_ALLOWED, WEIR_REASON_INPUT_REVOKED, description);
      request_free (request);
      g_queue_delete_link (requests, link);
    }
    link = next;
  }
}

/* @now: as above */
static void
manager_revoke (WeirBroadcastManager *self, const gchar *input, const WeirLiveInput *now,
    const gchar *description)
{
  g_autoptr (GPtrArray) running = manager_get_running (self, input);
  Starting *starting;

  refuse_early (&self->waiting, input, now, description);
  refuse_early (&self->held, input, now, description);
  g_mutex_lock (&self->lock);
  starting = g_hash_table_lookup (self->starting, input);
  if (starting != NULL && starting->revoked == NULL &&
      (now == NULL || !weir_broadcast_is_admitted (now, starting->connection)))
    starting->revoked = g_strdup (description);
  g_mutex_unlock (&self->lock);
  for (guint i = 0; i < running->len; i++) {
    if (now == NULL)
      weir_broadcast_end (running->pdata[i], description);
    else
      weir_broadcast_check_secrets (running->pdata[i], now, description);
  }
}

typedef struct {
  WeirBroadcastManager *manager;
  gchar *input;
} Changed;

static void
changed_input_found (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree Changed *changed = data;
  g_autofree gchar *uid = changed->input;
  g_autoptr (GError) error = NULL;
  WeirLiveInput *input = weir_store_get_input_finish (WEIR_STORE (source), result, &error);

  if (g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND))
    manager_revoke (changed->manager, uid, NULL, "The live input was deleted.");
  else if (input == NULL)
    g_message ("input %s: what has changed cannot be read: %s", uid, error->message);
  else if (!input->enabled)
    manager_revoke (changed->manager, uid, NULL, "The live input was disabled.");
  else
    manager_revoke (changed->manager, uid, input, "The stream key was replaced.");
  weir_live_input_free (input);
}

static gboolean
has_request (const GQueue *requests, const gchar *input)
{
  for (const GList *l = requests->head; l != NULL; l = l->next)
    if (g_str_equal (((const Request *) l->data)->input->uid, input))
      return TRUE;
  return FALSE;
}

/* main thread */
static void
on_store_changed (WeirStore *store, guint change, const gchar *id, WeirBroadcastManager *self)
{
  Changed *changed;
  gboolean known;

  if (change != WEIR_STORE_CHANGE_INPUT)
    return;
  g_mutex_lock (&self->lock);
  known = g_hash_table_contains (self->by_input, id) || g_hash_table_contains (self->starting, id);
  g_mutex_unlock (&self->lock);
  if (!known && !has_request (&self->waiting, id) && !has_request (&self->held, id))
    return;
  changed = g_new0 (Changed, 1);
  changed->manager = self;
  changed->input = g_strdup (id);
  weir_store_get_input (store, id, changed_input_found, changed);
}

/* ---- start and end of the daemon ---- */

WeirBroadcastManager *
weir_broadcast_manager_new (
    const WeirConfig *config, WeirStore *store, WeirBlobs *blobs, WeirWorkerPool *workers)
{
  WeirBroadcastManager *self = g_new0 (WeirBroadcastManager, 1);

  gst_init (NULL, NULL);
  g_mutex_init (&self->lock);
  weir_stranger_log_init (&self->log, g_get_monotonic_time ());
  self->config = config;
  self->store = g_object_ref (store);
  g_signal_connect (store, "changed", G_CALLBACK (on_store_changed), self);
  self->blobs = g_object_ref (blobs);
  self->workers = workers;
  self->writer = weir_spool_writer_new ((gsize) config->limits.disk_queue_total);
  self->memory =
      weir_spool_client_new (self->writer, (gsize) config->limits.disk_queue, NULL, NULL);
  self->refusals = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->known_gops = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->by_input = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->by_uid = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->starting =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) starting_free);
  self->kept =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) kept_index_free);
  self->last =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) kept_index_free);
  return self;
}

void
weir_broadcast_manager_set_counters (WeirBroadcastManager *self, WeirCounters *counters)
{
  static const gchar *const reasons[] = {WEIR_REASON_UNKNOWN_KEY, WEIR_REASON_INPUT_DISABLED,
      WEIR_REASON_INPUT_REVOKED, WEIR_REASON_IN_USE, WEIR_REASON_TAKEOVER_DAMPED,
      WEIR_REASON_NO_KEYFRAME, WEIR_REASON_STORE_UNAVAILABLE, WEIR_REASON_SHUTTING_DOWN,
      WEIR_REASON_REFUSAL_NOT_TOLD, WEIR_LIMIT_BROADCAST_CONFIGURATIONS};

  self->counters = weir_counters_ref (counters);
  for (guint i = 0; i < G_N_ELEMENTS (reasons); i++)
    weir_counters_declare (counters, reasons[i]);
}

void
weir_broadcast_manager_set_events (WeirBroadcastManager *self, WeirEvents *events)
{
  self->events = events;
}

void
weir_broadcast_manager_free (WeirBroadcastManager *self)
{
  g_signal_handlers_disconnect_by_data (self->store, self);
  g_queue_clear_full (&self->waiting, (GDestroyNotify) request_free);
  g_queue_clear_full (&self->held, (GDestroyNotify) request_free);
  g_hash_table_unref (self->refusals);
  g_hash_table_unref (self->by_input);
  g_hash_table_unref (self->by_uid);
  g_hash_table_unref (self->starting);
  g_hash_table_unref (self->last);
  g_hash_table_unref (self->kept);
  g_hash_table_unref (self->known_gops);
  g_queue_clear_full (&self->ended, (GDestroyNotify) ended_memory_free);
  weir_spool_client_free (self->memory);
  weir_spool_writer_unref (self->writer);
  g_object_unref (self->store);
  g_object_unref (self->blobs);
  g_clear_pointer (&self->counters, weir_counters_unref);
  g_mutex_clear (&self->lock);
  g_free (self);
}

void
weir_broadcast_manager_drain (
    WeirBroadcastManager *self, void (*done) (gpointer data), gpointer data)
{
  g_autoptr (GPtrArray) running = manager_get_running (self, NULL);
  Request *request;

  self->draining = TRUE;
  self->drained = done;
  self->drained_data = data;
  for (guint i = 0; i < running->len; i++) {
    weir_broadcast_suspend (running->pdata[i], "The server is shutting down.", LEAVE_US);
    weir_broadcast_give_up (running->pdata[i]);
  }
  while ((request = g_queue_pop_head (&self->held)) != NULL)
    request_admit (request);
  manager_check_drained (self);
}

gchar *
weir_broadcast_manager_end (WeirBroadcastManager *self, const gchar *id, const gchar *description)
{
  g_autofree gchar *uid = NULL;
  WeirBroadcast *broadcast;

  g_mutex_lock (&self->lock);
  broadcast = manager_find (self, id);
  g_mutex_unlock (&self->lock);
  if (broadcast == NULL)
    return NULL;
  /* it may be gone when it has ended */
  uid = g_strdup (weir_broadcast_get_uid (broadcast));
  weir_broadcast_end (broadcast, description);
  return g_steal_pointer (&uid);
}

gboolean
weir_broadcast_manager_end_recording (
    WeirBroadcastManager *self, const gchar *uid, const gchar *description)
{
  g_autofree gchar *ended = weir_broadcast_manager_end (self, uid, description);

  return ended != NULL;
}

static gboolean
is_of_broadcast (G_GNUC_UNUSED gpointer id, gpointer kept, gpointer uid)
{
  return g_str_equal (weir_index_get_broadcast (((KeptIndex *) kept)->index), uid);
}

void
weir_broadcast_manager_forget (WeirBroadcastManager *self, const gchar *uid)
{
  g_mutex_lock (&self->lock);
  g_hash_table_foreach_remove (self->kept, is_of_broadcast, (gpointer) uid);
  g_hash_table_foreach_remove (self->last, is_of_broadcast, (gpointer) uid);
  g_mutex_unlock (&self->lock);
}

void
weir_broadcast_manager_set_full (WeirBroadcastManager *self, gboolean full)
{
  g_atomic_int_set (&self->full, full);
}

/* ---- look-ups ---- */

WeirBroadcastStatus *
weir_broadcast_manager_get_status (WeirBroadcastManager *self, const gchar *id)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  WeirBroadcast *broadcast = manager_find (self, id);

  return broadcast != NULL ? weir_broadcast_get_status (broadcast) : NULL;
}

WeirIndex *
weir_broadcast_manager_find_index (WeirBroadcastManager *self, const gchar *id)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  WeirBroadcast *broadcast = manager_find (self, id);
  WeirIndex *index;

  if (broadcast != NULL)
    return weir_broadcast_get_index (broadcast);
  index = find_kept (self->last, id);
  return index != NULL ? index : find_kept (self->kept, id);
}

void
weir_broadcast_manager_get_totals (WeirBroadcastManager *self, WeirBroadcastTotals *totals)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  GHashTableIter iter;
  gpointer value;

  *totals = self->totals;
  g_hash_table_iter_init (&iter, self->by_uid);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    weir_broadcast_add_to_totals (value, totals);
    totals->live++;
  }
}

/* ---- recordings: the index from the store ---- */

typedef struct {
  WeirBroadcastManager *manager;
  WeirBroadcastRecord *record;
  void (*done) (WeirIndex *index, gpointer data);
  gpointer data;
} Load;

static void
load_answer (Load *load, WeirIndex *index)
{
  load->done (index, load->data);
  weir_broadcast_record_free (load->record);
  g_free (load);
}

static void
segments_listed (GObject *source, GAsyncResult *result, gpointer data)
{
  Load *load = data;
  WeirBroadcastManager *self = load->manager;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) entries =
      weir_store_list_segments_finish (WEIR_STORE (source), result, &error);
  g_autoptr (WeirIndex) index = NULL;
  g_auto (WeirResume) resume = {0};

  if (entries == NULL) {
    g_message ("broadcast %s: its index cannot be read: %s", load->record->uid, error->message);
    load_answer (load, NULL);
    return;
  }
  /* deleted in that moment */
  if (entries->len == 0) {
    load_answer (load, NULL);
    return;
  }
  index = weir_index_new (load->record->uid, WEIR_INDEX_WINDOW_SEGMENTS);
  if (load->record->recorded)
    weir_index_set_recorded (index);
  if (!weir_index_add_inits_from_json (index, load->record->inits, &error)) {
    g_message ("broadcast %s: its index cannot be read: %s", load->record->uid, error->message);
    load_answer (load, NULL);
    return;
  }
  for (guint i = 0; i < entries->len; i++) {
    g_autoptr (GError) fault = NULL;
    WeirIndexSegment *segment = weir_index_segment_from_json (entries->pdata[i], &fault);

    if (segment == NULL) {
      g_message ("broadcast %s: a segment cannot be read: %s", load->record->uid, fault->message);
      continue;
    }
    weir_index_add_closed_segment (index, segment);
  }
  /* the window ends as it ended when it was live */
  if (load->record->committed != NULL &&
      weir_resume_from_json (&resume, load->record->committed, NULL))
    weir_index_restore_gaps (index, resume.gaps);
  weir_index_end (index);
  g_mutex_lock (&self->lock);
  keep_index (self->kept, load->record->uid, index);
  g_mutex_unlock (&self->lock);
  load_answer (load, index);
}

static void
record_found (GObject *source, GAsyncResult *result, gpointer data)
{
  Load *load = data;

  load->record = weir_store_get_broadcast_finish (WEIR_STORE (source), result, NULL);
  if (load->record == NULL || load->record->state == WEIR_BROADCAST_LIVE) {
    load_answer (load, NULL);
    return;
  }
  weir_store_list_segments (load->manager->store, load->record->uid, segments_listed, load);
}

void
weir_broadcast_manager_load_index (WeirBroadcastManager *self, const gchar *uid,
    void (*done) (WeirIndex *index, gpointer data), gpointer data)
{
  Load *load = g_new0 (Load, 1);

  load->manager = self;
  load->done = done;
  load->data = data;
  weir_store_get_broadcast (self->store, uid, record_found, load);
}
