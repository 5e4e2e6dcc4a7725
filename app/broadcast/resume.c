/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "broadcast/resume.h"

#include <gio/gio.h>
#include <json-glib/json-glib.h>

#define VERSION 1
#define SECOND_NS G_GINT64_CONSTANT (1000000000)
/* centuries; keeps sums within 64 bits whatever a damaged state says */
#define NS_MAX (G_MAXINT64 / 4)
#define US_MAX (NS_MAX / 1000)
#define TARGET_MAX 3600
#define GAPS_MAX (1 << 20)
/* what lasts no time at all is still open */
#define DURATION_LEAST_NS (SECOND_NS / 1000)
/* chunks of a segment that was never committed, those that were held free for late ones included */
#define SEQUENCES_PER_SEGMENT (1 << 16)

void
weir_resume_init (WeirResume *self, gint64 now_us)
{
  *self = (WeirResume){.next_sequence = 1, .end_us = now_us, .media_us = now_us};
}

void
weir_resume_clear (WeirResume *self)
{
  g_clear_pointer (&self->tail, g_ptr_array_unref);
}

static void
add_to_tail (WeirResume *self, WeirIndexSegment *segment)
{
  if (self->tail == NULL)
    self->tail = g_ptr_array_new_with_free_func ((GDestroyNotify) weir_index_segment_unref);
  g_ptr_array_add (self->tail, segment);
}

void
weir_resume_cut_tail (WeirResume *self, guint64 number)
{
  while (self->tail != NULL && self->tail->len > 0 &&
         ((const WeirIndexSegment *) self->tail->pdata[0])->number <= number)
    g_ptr_array_remove_index (self->tail, 0);
}

void
weir_resume_add_tail (WeirResume *self, WeirIndexSegment *segment, gboolean closed)
{
  guint place = 0;

  if (closed)
    weir_resume_cut_tail (self, segment->number);
  while (self->tail != NULL && place < self->tail->len) {
    const WeirIndexSegment *other = self->tail->pdata[place];

    if (other->number == segment->number)
      g_ptr_array_remove_index (self->tail, place);
    if (other->number >= segment->number)
      break;
    place++;
  }
  add_to_tail (self, segment);
  g_ptr_array_insert (
      self->tail, (gint) place, g_ptr_array_steal_index (self->tail, self->tail->len - 1));
}

void
weir_resume_open_segment (WeirResume *self, WeirIndexSegment *head, gint64 now_us)
{
  /* end and the time when it came belong together: the timeline may have jumped */
  if (head->start_ns > self->end_ns || self->end_ns == 0) {
    self->end_ns = head->start_ns;
    self->end_us = now_us;
  }
  self->media_us = MAX (self->media_us, now_us);
  self->stopped = FALSE;
  self->gaps = 0;
  weir_resume_add_tail (self, head, FALSE);
}

void
weir_resume_copy (const WeirResume *self, WeirResume *copy)
{
  *copy = *self;
  copy->tail = NULL;
  for (guint i = 0; self->tail != NULL && i < self->tail->len; i++)
    add_to_tail (copy, weir_index_segment_ref (self->tail->pdata[i]));
}

/* ---- as text ---- */

static void
add_number (JsonBuilder *builder, const gchar *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

static void
add_flag (JsonBuilder *builder, const gchar *name, gboolean value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_boolean_value (builder, value);
}

gchar *
weir_resume_to_json (const WeirResume *self)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_object (builder);
  add_number (builder, "version", VERSION);
  add_number (builder, "nextSegment", (gint64) self->next_segment);
  add_number (builder, "nextSequence", self->next_sequence);
  add_number (builder, "nextGeneration", self->next_generation);
  add_number (builder, "target", self->target_duration);
  add_number (builder, "endNs", self->end_ns);
  add_number (builder, "endUs", self->end_us);
  add_number (builder, "mediaUs", self->media_us);
  add_flag (builder, "stopped", self->stopped);
  add_number (builder, "gaps", self->gaps);
  add_flag (builder, "dated", self->dated);
  add_number (builder, "dateZeroUs", self->date_zero_us);
  add_number (builder, "endDateUs", self->end_date_us);
  json_builder_set_member_name (builder, "tail");
  json_builder_begin_array (builder);
  for (guint i = 0; self->tail != NULL && i < self->tail->len; i++) {
    g_autofree gchar *entry = weir_index_segment_to_json (self->tail->pdata[i]);

    json_builder_add_string_value (builder, entry);
  }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  return json_to_string (root, FALSE);
}

static gboolean
refuse (GError **error, const gchar *what)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "committed state: %s", what);
  return FALSE;
}

static gboolean
get_number (
    JsonObject *object, const gchar *name, gint64 least, gint64 most, gint64 *value, GError **error)
{
  JsonNode *node = json_object_get_member (object, name);

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node) ||
      json_node_get_value_type (node) != G_TYPE_INT64)
    return refuse (error, name);
  *value = json_node_get_int (node);
  return (*value >= least && *value <= most) || refuse (error, name);
}

static gboolean
get_flag (JsonObject *object, const gchar *name)
{
  return json_object_get_boolean_member_with_default (object, name, FALSE);
}

static gboolean
read_tail (WeirResume *self, JsonObject *object, GError **error)
{
  JsonNode *node = json_object_get_member (object, "tail");
  JsonArray *entries;

  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    return refuse (error, "tail");
  entries = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (entries); i++) {
    JsonNode *entry = json_array_get_element (entries, i);
    WeirIndexSegment *segment = NULL;

    if (JSON_NODE_HOLDS_VALUE (entry) && json_node_get_value_type (entry) == G_TYPE_STRING)
      segment = weir_index_segment_from_json (json_node_get_string (entry), NULL);
    if (segment == NULL)
      return refuse (error, "tail");
    add_to_tail (self, segment);
  }
  return TRUE;
}

gboolean
weir_resume_from_json (WeirResume *self, const gchar *json, GError **error)
{
  g_autoptr (JsonNode) root = json_from_string (json, NULL);
  gint64 version, segment, sequence, generation, target, gaps;
  g_auto (WeirResume) read = {0};
  JsonObject *object;

  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return refuse (error, "not an object");
  object = json_node_get_object (root);
  if (!get_number (object, "version", VERSION, VERSION, &version, error) ||
      !get_number (object, "nextSegment", 0, G_MAXINT64 - 1, &segment, error) ||
      !get_number (object, "nextSequence", 1, G_MAXUINT32, &sequence, error) ||
      !get_number (object, "nextGeneration", 0, G_MAXINT32, &generation, error) ||
      !get_number (object, "target", 0, TARGET_MAX, &target, error) ||
      !get_number (object, "endNs", 0, NS_MAX, &read.end_ns, error) ||
      !get_number (object, "endUs", 0, US_MAX, &read.end_us, error) ||
      !get_number (object, "mediaUs", 0, US_MAX, &read.media_us, error) ||
      !get_number (object, "gaps", 0, GAPS_MAX, &gaps, error) ||
      !get_number (object, "dateZeroUs", -US_MAX, US_MAX, &read.date_zero_us, error) ||
      !get_number (object, "endDateUs", -US_MAX, US_MAX, &read.end_date_us, error))
    return FALSE;
  read.next_segment = (guint64) segment;
  read.next_sequence = (guint32) sequence;
  read.next_generation = (guint) generation;
  read.target_duration = (guint) target;
  read.gaps = (guint) gaps;
  read.stopped = get_flag (object, "stopped");
  read.dated = get_flag (object, "dated");
  if (!read_tail (&read, object, error))
    return FALSE;
  *self = read;
  read.tail = NULL;
  return TRUE;
}

/* ---- what was salvaged ---- */

static gint64
get_end (const WeirIndexPart *part, guint32 timescale)
{
  __extension__ unsigned __int128 ns =
      ((unsigned __int128) part->decode_time + part->duration) * SECOND_NS / MAX (timescale, 1);

  return ns > NS_MAX ? NS_MAX : (gint64) ns;
}

static void
add_track (WeirResume *self, const WeirIndexTrack *track, const WeirCodecConfig *config)
{
  if (track == NULL || track->parts == NULL || track->parts->len == 0 || config == NULL)
    return;
  /* rounded up: nothing begins before a tick that has been used */
  self->end_ns = MAX (
      self->end_ns, get_end (&g_array_index (track->parts, WeirIndexPart, track->parts->len - 1),
                        config->timescale) +
                        1);
}

static void
add_date (WeirResume *self, const WeirIndexSegment *segment)
{
  self->end_date_us =
      MAX (self->end_date_us, segment->program_date_us + segment->duration_ns / 1000);
  if (!self->dated)
    self->date_zero_us = segment->program_date_us - segment->start_ns / 1000;
  self->dated = TRUE;
}

/* Returns: whether nobody knew of it */
static gboolean
add_number_of (WeirResume *self, guint64 number)
{
  if (number < self->next_segment)
    return FALSE;
  self->next_segment = number + 1;
  self->next_sequence =
      (guint32) MIN ((guint64) self->next_sequence + SEQUENCES_PER_SEGMENT, G_MAXUINT32);
  /* what was listed behind the end before this came has its place in the numbers already */
  self->gaps = 0;
  self->stopped = FALSE;
  return TRUE;
}

void
weir_resume_add_segment (WeirResume *self, WeirIndexSegment *segment, GPtrArray *configs,
    gint64 written_us, guint target_least)
{
  guint seconds = (guint) CLAMP ((segment->duration_ns + SECOND_NS - 1) / SECOND_NS, 1, TARGET_MAX);

  for (guint i = 0; i < MIN (segment->tracks->len, configs->len); i++)
    add_track (self, segment->tracks->pdata[i], configs->pdata[i]);
  add_number_of (self, segment->number);
  self->next_generation = MAX (self->next_generation, segment->init_generation + 1);
  if (self->target_duration == 0)
    self->target_duration = MAX (seconds, target_least);
  if (segment->target_duration == 0)
    segment->target_duration = self->target_duration;
  self->end_us = MAX (self->end_us, written_us);
  self->media_us = MAX (self->media_us, written_us);
  add_date (self, segment);
}

/* @until_ns: it cannot have lasted longer */
static void
complete_segment (WeirResume *self, WeirIndexSegment *segment, gint64 until_ns)
{
  gint64 end_ns;

  segment->target_duration = self->target_duration;
  if (segment->duration_ns == 0)
    segment->duration_ns = CLAMP (
        until_ns - segment->start_ns, DURATION_LEAST_NS, weir_resume_get_gap_duration (self));
  if (!add_number_of (self, segment->number))
    return;
  end_ns = segment->start_ns + segment->duration_ns;
  if (end_ns > self->end_ns) {
    self->end_us += (end_ns - self->end_ns) / 1000;
    self->end_ns = end_ns;
  }
  add_date (self, segment);
}

void
weir_resume_complete_tail (WeirResume *self, guint target_least, gint64 now_us)
{
  guint count = self->tail != NULL ? self->tail->len : 0;
  gint64 now_ns = self->end_ns + MAX (now_us - self->end_us, 0) * 1000;

  if (count > 0 && self->target_duration == 0)
    self->target_duration = target_least;
  for (guint i = 0; i < count; i++) {
    const WeirIndexSegment *next = i + 1 < count ? self->tail->pdata[i + 1] : NULL;

    complete_segment (self, self->tail->pdata[i], next != NULL ? next->start_ns : now_ns);
  }
}

/* ---- time ---- */

static gint64
get_target_us (const WeirResume *self)
{
  return (gint64) self->target_duration * G_USEC_PER_SEC;
}

gint64
weir_resume_get_lost (const WeirResume *self, gint64 now_us)
{
  return MAX (now_us - self->end_us, (gint64) self->gaps * get_target_us (self));
}

gint64
weir_resume_get_wait (const WeirResume *self, gint64 window_us, gint64 clean_stop_us, gint64 now_us)
{
  if (self->stopped)
    window_us = MIN (window_us, clean_stop_us);
  return CLAMP (window_us - (now_us - self->media_us), 0, window_us);
}

guint
weir_resume_count_gaps (const WeirResume *self, gint64 lost_us)
{
  if (self->target_duration == 0 || self->end_ns == 0)
    return 0;
  return (guint) CLAMP (lost_us / get_target_us (self), self->gaps, GAPS_MAX);
}

gint64
weir_resume_get_gap_wait (const WeirResume *self, gint64 lost_us)
{
  gint64 next = weir_resume_count_gaps (self, lost_us) + 1;

  if (self->target_duration == 0 || self->end_ns == 0 || next > GAPS_MAX)
    return G_MAXINT64;
  return MAX (next * get_target_us (self) - lost_us, 0);
}

gint64
weir_resume_get_gap_start (const WeirResume *self, guint gap)
{
  return self->end_ns + (gint64) gap * weir_resume_get_gap_duration (self);
}

gint64
weir_resume_get_gap_duration (const WeirResume *self)
{
  return (gint64) self->target_duration * SECOND_NS;
}

gint64
weir_resume_get_gap_date (const WeirResume *self, guint gap)
{
  return self->end_date_us + (gint64) gap * get_target_us (self);
}
