/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "weir"

#include "recordings/sweep.h"

#include <string.h>

#define SECOND ((gint64) G_USEC_PER_SEC)
#define AGE_US (24 * 3600 * SECOND)
#define WAIT_US (3600 * SECOND)
#define INTERVAL_US (24 * 3600 * SECOND)
#define PAUSE_US (SECOND / 10)
#define PAGE 500

struct _WeirSweep {
  WeirSweepSettings settings;
  WeirStore *store;
  WeirBlobs *blobs;
  gboolean freed;
  guint timer;
  guint looks;       /* that have been begun */
  gboolean removes;  /* in this look */
  GPtrArray *page;   /* of folders */
  guint next;        /* in @page */
  gchar *folder;     /* that is being looked at */
  WeirBlobsUsage of; /* that folder */
  WeirBlobsUsage found, removed;
  guint folders_found, folders_removed;
};

/* Returns: (transfer full): what a call under way holds */
static WeirSweep *
sweep_ref (WeirSweep *self)
{
  return g_rc_box_acquire (self);
}

static void
sweep_clear (gpointer data)
{
  WeirSweep *self = data;

  g_clear_pointer (&self->page, g_ptr_array_unref);
  g_free (self->folder);
  g_object_unref (self->store);
  g_object_unref (self->blobs);
}

static void
sweep_unref (WeirSweep *self)
{
  g_rc_box_release_full (self, sweep_clear);
}

static gboolean begin_look (gpointer data);
static void look_at_next (WeirSweep *self);

static void
wait_for (WeirSweep *self, gint64 time_us, GSourceFunc run)
{
  self->timer = g_timeout_add ((guint) CLAMP (time_us / 1000, 0, G_MAXINT), run, self);
}

static gboolean
go_on (gpointer data)
{
  WeirSweep *self = data;

  self->timer = 0;
  look_at_next (self);
  return G_SOURCE_REMOVE;
}

static void
say_what_was_found (WeirSweep *self)
{
  g_autofree gchar *removed = g_format_size_full (self->removed.size, G_FORMAT_SIZE_IEC_UNITS);
  g_autofree gchar *found = g_format_size_full (self->found.size, G_FORMAT_SIZE_IEC_UNITS);

  if (self->folders_removed > 0)
    g_message ("%s were freed: %" G_GUINT64_FORMAT
               " objects of %u broadcasts that the database does not know",
        removed, self->removed.objects, self->folders_removed);
  /* what stays is said once */
  if (self->folders_found > 0 && self->looks == 1)
    g_message ("%s, %" G_GUINT64_FORMAT
               " objects, are of %u broadcasts that the database does not know; %s",
        found, self->found.objects, self->folders_found,
        self->settings.removes
            ? "recording.sweep-orphans is on: they are removed, but not within the next hour"
            : "they stay, since recording.sweep-orphans is off");
}

/* @error: (nullable): why it ends early */
static void
end_look (WeirSweep *self, const GError *error)
{
  if (error != NULL)
    g_message ("objects of unknown broadcasts are looked for later: %s", error->message);
  say_what_was_found (self);
  g_clear_pointer (&self->page, g_ptr_array_unref);
  wait_for (
      self, self->looks == 1 ? self->settings.wait_us : self->settings.interval_us, begin_look);
  if (self->settings.done != NULL)
    self->settings.done (&self->found, &self->removed, self->settings.data);
}

/* ---- one folder ---- */

static void remove_page (WeirSweep *self);

static gboolean
remove_more (gpointer data)
{
  WeirSweep *self = data;

  self->timer = 0;
  remove_page (self);
  return G_SOURCE_REMOVE;
}

static void
page_removed (GObject *source, GAsyncResult *result, gpointer data)
{
  WeirSweep *self = data;
  g_autoptr (GError) error = NULL;
  gboolean good = weir_blobs_remove_finish (WEIR_BLOBS (source), result, &error);

  if (!self->freed && good)
    wait_for (self, self->settings.pause_us, remove_more);
  else if (!self->freed)
    end_look (self, error);
  sweep_unref (self);
}

static void
page_listed (GObject *source, GAsyncResult *result, gpointer data)
{
  WeirSweep *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) names = weir_blobs_list_finish (WEIR_BLOBS (source), result, &error);

  if (self->freed) {
    sweep_unref (self);
    return;
  }
  if (names != NULL && names->len > 0) {
    weir_blobs_remove (WEIR_BLOBS (source), g_steal_pointer (&names), page_removed, self);
    return;
  }
  if (names != NULL) {
    self->folders_removed++;
    self->removed.objects += self->of.objects;
    self->removed.size += self->of.size;
    wait_for (self, self->settings.pause_us, go_on);
  } else {
    end_look (self, error);
  }
  sweep_unref (self);
}

/* until there is none left */
static void
remove_page (WeirSweep *self)
{
  weir_blobs_list (self->blobs, self->folder, self->settings.page, page_listed, sweep_ref (self));
}

/* an empty folder goes with any name in it */
static void
remove_folder (WeirSweep *self)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);

  if (self->of.objects > 0) {
    g_ptr_array_unref (names);
    remove_page (self);
    return;
  }
  g_ptr_array_add (names, g_strconcat (self->folder, "/none", NULL));
  weir_blobs_remove (self->blobs, names, page_removed, sweep_ref (self));
}

static gboolean
has_mark (GPtrArray *marks, const gchar *uid)
{
  for (guint i = 0; i < marks->len; i++) {
    if (strcmp ((const gchar *) marks->pdata[i] + strlen (WEIR_SWEEP_MARKS "/"), uid) == 0)
      return TRUE;
  }
  return FALSE;
}

/* asked after the store: the mark is there before the store forgets */
static void
marks_listed (GObject *source, GAsyncResult *result, gpointer data)
{
  WeirSweep *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) marks = weir_blobs_list_finish (WEIR_BLOBS (source), result, &error);

  if (self->freed) {
    sweep_unref (self);
    return;
  }
  if (marks == NULL) {
    end_look (self, error);
  } else if (has_mark (marks, self->folder)) {
    look_at_next (self);
  } else {
    self->folders_found++;
    self->found.objects += self->of.objects;
    self->found.size += self->of.size;
    if (self->removes)
      remove_folder (self);
    else
      wait_for (self, self->settings.pause_us, go_on);
  }
  sweep_unref (self);
}

static void
measured (GObject *source, GAsyncResult *result, gpointer data)
{
  WeirSweep *self = data;
  g_autoptr (GError) error = NULL;
  gboolean good = weir_blobs_measure_finish (WEIR_BLOBS (source), result, &self->of, &error);

  if (self->freed) {
    sweep_unref (self);
    return;
  }
  if (!good)
    end_look (self, error);
  else if (self->of.newest_us == 0 ||
           self->of.newest_us > g_get_real_time () - self->settings.age_us)
    look_at_next (self);
  else
    weir_blobs_list (self->blobs, WEIR_SWEEP_MARKS, 0, marks_listed, sweep_ref (self));
  sweep_unref (self);
}

static void
looked_up (GObject *source, GAsyncResult *result, gpointer data)
{
  WeirSweep *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirBroadcastRecord) record =
      weir_store_get_broadcast_finish (WEIR_STORE (source), result, &error);

  if (self->freed) {
    sweep_unref (self);
    return;
  }
  if (record != NULL)
    look_at_next (self);
  else if (g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND))
    weir_blobs_measure (self->blobs, self->folder, measured, sweep_ref (self));
  else
    end_look (self, error);
  sweep_unref (self);
}

/* ---- all of them ---- */

static gboolean
is_uid (const gchar *text)
{
  return strlen (text) == 32 && strspn (text, "0123456789abcdef") == 32;
}

static void
folders_listed (GObject *source, GAsyncResult *result, gpointer data)
{
  WeirSweep *self = data;
  g_autoptr (GError) error = NULL;
  GPtrArray *page = weir_blobs_list_folders_finish (WEIR_BLOBS (source), result, &error);

  if (self->freed) {
    g_clear_pointer (&page, g_ptr_array_unref);
    sweep_unref (self);
    return;
  }
  g_clear_pointer (&self->page, g_ptr_array_unref);
  self->page = page;
  self->next = 0;
  if (page == NULL)
    end_look (self, error);
  else
    wait_for (self, self->settings.pause_us, go_on);
  sweep_unref (self);
}

static void
look_at_next (WeirSweep *self)
{
  const guint limit = self->settings.page;
  const gchar *last = NULL;

  while (
      self->page != NULL && self->next < self->page->len && !is_uid (self->page->pdata[self->next]))
    self->next++;
  if (self->page != NULL && self->next < self->page->len) {
    g_free (self->folder);
    self->folder = g_strdup (self->page->pdata[self->next++]);
    weir_store_get_broadcast (self->store, self->folder, looked_up, sweep_ref (self));
    return;
  }
  if (self->page != NULL && self->page->len < limit) {
    end_look (self, NULL);
    return;
  }
  if (self->page != NULL)
    last = self->page->pdata[self->page->len - 1];
  weir_blobs_list_folders (self->blobs, last, limit, folders_listed, sweep_ref (self));
}

/* a store that knows nothing at all may be a new one in the place of one that was lost */
static void
any_listed (GObject *source, GAsyncResult *result, gpointer data)
{
  WeirSweep *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) records =
      weir_store_list_broadcasts_finish (WEIR_STORE (source), result, &error);

  if (self->freed) {
    sweep_unref (self);
    return;
  }
  self->removes = self->settings.removes && self->looks > 1 && records != NULL && records->len > 0;
  if (records == NULL)
    end_look (self, error);
  else
    look_at_next (self);
  sweep_unref (self);
}

static gboolean
begin_look (gpointer data)
{
  const WeirBroadcastFilter any = {.limit = 1};
  WeirSweep *self = data;

  self->timer = 0;
  self->looks++;
  self->found = self->removed = (WeirBlobsUsage){0};
  self->folders_found = self->folders_removed = 0;
  weir_store_list_broadcasts (self->store, &any, any_listed, sweep_ref (self));
  return G_SOURCE_REMOVE;
}

void
weir_sweep_settings_init (WeirSweepSettings *settings)
{
  *settings = (WeirSweepSettings){.age_us = AGE_US,
      .wait_us = WAIT_US,
      .interval_us = INTERVAL_US,
      .pause_us = PAUSE_US,
      .page = PAGE};
}

WeirSweep *
weir_sweep_new (const WeirSweepSettings *settings, WeirStore *store, WeirBlobs *blobs)
{
  WeirSweep *self = g_rc_box_new0 (WeirSweep);

  self->settings = *settings;
  self->store = g_object_ref (store);
  self->blobs = g_object_ref (blobs);
  begin_look (self);
  return self;
}

void
weir_sweep_free (WeirSweep *self)
{
  if (self == NULL)
    return;
  self->freed = TRUE;
  g_clear_handle_id (&self->timer, g_source_remove);
  sweep_unref (self);
}
