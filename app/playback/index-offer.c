/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* what the multivariant playlist offers: the tracks, and what was measured of them */
#include "playback/index-private.h"

/* what was measured of one track in closed segments that hold something of it */
typedef struct {
  guint64 bytes;
  guint64 samples;
  guint64 ticks;
  gint64 duration_ns;
  guint64 run_bytes; /* since the peak was last looked at */
  gint64 run_ns;
  guint64 peak_rate; /* bits per second */
} Measure;

typedef struct {
  Measure whole;   /* over all of them so far */
  Measure current; /* over those of @config */
  WeirCodecConfig *config;
  guint64 first_number; /* of the first segment of @config */

  /* of the whole: what it has of the track */
  const WeirIndexSegment *newest; /* (nullable) */
  GPtrArray *codecs;              /* (nullable) (element-type utf8): as join_codecs() lists them */
} TrackTotal;

static void
track_total_clear (gpointer data)
{
  TrackTotal *total = data;

  g_clear_pointer (&total->config, weir_codec_config_unref);
  g_clear_pointer (&total->codecs, g_ptr_array_unref);
}

GArray *
weir_index_totals_new (void)
{
  GArray *totals = g_array_new (FALSE, TRUE, sizeof (TrackTotal));

  g_array_set_clear_func (totals, track_total_clear);
  return totals;
}

/* bits per second, rounded up */
static guint64
bit_rate (guint64 bytes, gint64 duration_ns)
{
  gdouble rate = (gdouble) bytes * 8e9 / (gdouble) duration_ns;
  guint64 whole = (guint64) rate;

  return rate > (gdouble) whole ? whole + 1 : whole;
}

/* The peak is that of neighbouring segments that last half a target duration together (4.4.6.2),
 * lest a short last one with its keyframe counts as one. */
static void
measure_add (Measure *self, const GArray *parts, gint64 duration_ns, gint64 least_ns)
{
  for (guint i = 0; i < parts->len; i++) {
    const WeirIndexPart *part = &g_array_index (parts, WeirIndexPart, i);

    self->bytes += part->size;
    self->run_bytes += part->size;
    self->samples += part->sample_count;
    self->ticks += part->duration;
  }
  self->duration_ns += duration_ns;
  self->run_ns += duration_ns;
  if (self->run_ns == 0 || self->run_ns < least_ns)
    return;
  self->peak_rate = MAX (self->peak_rate, bit_rate (self->run_bytes, self->run_ns));
  self->run_bytes = 0;
  self->run_ns = 0;
}

/* Returns: (nullable): the configuration of what the segment holds of the track */
static WeirCodecConfig *
find_used_config (WeirIndex *self, const WeirIndexSegment *segment, guint track)
{
  GArray *parts = weir_index_segment_get_parts (segment, track);

  return parts != NULL && parts->len > 0 ? weir_index_find_config (self, segment, track) : NULL;
}

/* the whole lists @segment, which holds something of the track, as its newest */
static void
whole_add_track (TrackTotal *total, const WeirIndexSegment *segment, WeirCodecConfig *config)
{
  guint place;

  total->newest = segment;
  if (total->codecs == NULL)
    total->codecs = g_ptr_array_new ();
  if (g_ptr_array_find_with_equal_func (total->codecs, config->codecs, g_str_equal, &place))
    g_ptr_array_remove_index (total->codecs, place);
  /* inits are never let go of, nor are their configurations */
  g_ptr_array_insert (total->codecs, 0, config->codecs);
}

static void
whole_add (WeirIndex *self, const WeirIndexSegment *segment)
{
  if (!weir_index_is_in_whole (segment))
    return;
  if (self->whole_first == NULL)
    self->whole_first = segment;
  if (weir_index_find_init (self, segment->epoch, segment->init_generation) == NULL)
    self->unmapped = TRUE;
  for (guint track = 0; track < segment->tracks->len; track++) {
    WeirCodecConfig *config = find_used_config (self, segment, track);

    if (config != NULL)
      whole_add_track (&g_array_index (self->totals, TrackTotal, track), segment, config);
  }
}

void
weir_index_restart_whole (WeirIndex *self)
{
  self->whole_version++;
  self->whole_first = NULL;
  self->unmapped = FALSE;
  for (guint i = 0; i < self->totals->len; i++) {
    TrackTotal *total = &g_array_index (self->totals, TrackTotal, i);

    total->newest = NULL;
    g_clear_pointer (&total->codecs, g_ptr_array_unref);
  }
  for (guint i = 0; i < self->closed; i++)
    whole_add (self, g_ptr_array_index (self->segments, i));
}

void
weir_index_measure (WeirIndex *self, const WeirIndexSegment *segment)
{
  gint64 least_ns = (gint64) self->target_duration * G_GINT64_CONSTANT (500000000);

  if (self->totals->len < segment->tracks->len)
    g_array_set_size (self->totals, segment->tracks->len);
  for (guint track = 0; track < segment->tracks->len; track++) {
    TrackTotal *total = &g_array_index (self->totals, TrackTotal, track);
    WeirCodecConfig *config = weir_index_find_config (self, segment, track);
    GArray *parts = weir_index_segment_get_parts (segment, track);

    if (parts == NULL || parts->len == 0)
      continue;
    if (config != NULL &&
        (total->config == NULL || !weir_codec_config_equal (total->config, config))) {
      g_clear_pointer (&total->config, weir_codec_config_unref);
      total->config = weir_codec_config_ref (config);
      total->first_number = segment->number;
      total->current = (Measure){0};
    }
    measure_add (&total->whole, parts, segment->duration_ns, least_ns);
    measure_add (&total->current, parts, segment->duration_ns, least_ns);
  }
  whole_add (self, segment);
}

static guint
count_tracks (WeirIndex *self)
{
  guint count = 0;

  for (guint i = 0; i < self->inits->len; i++) {
    WeirIndexInit *init = g_ptr_array_index (self->inits, i);

    count = MAX (count, init->configs->len);
  }
  return count;
}

/* all CODECS that the listed segments need for the track, newest first */
static gchar *
join_codecs (WeirIndex *self, const GPtrArray *listed, guint track)
{
  g_autoptr (GPtrArray) codecs = g_ptr_array_new ();

  for (guint i = listed->len; i-- > 0;) {
    const WeirCodecConfig *config = find_used_config (self, g_ptr_array_index (listed, i), track);

    if (config != NULL &&
        !g_ptr_array_find_with_equal_func (codecs, config->codecs, g_str_equal, NULL))
      g_ptr_array_add (codecs, config->codecs);
  }
  g_ptr_array_add (codecs, NULL);
  return g_strjoinv (",", (gchar **) codecs->pdata);
}

/* Returns: (nullable): the newest listed segment that holds something of the track */
static const WeirIndexSegment *
find_newest (WeirIndex *self, const GPtrArray *listed, guint track)
{
  for (guint i = listed->len; i-- > 0;) {
    const WeirIndexSegment *segment = g_ptr_array_index (listed, i);

    if (find_used_config (self, segment, track) != NULL)
      return segment;
  }
  return NULL;
}

/* what a view has of a track */
typedef struct {
  const WeirIndexSegment *newest; /* (nullable): that holds something of it */
  gchar *codecs;
  guint64 first; /* number of the first segment that tells what the view offers */
} Offered;

static Offered
offered_by_whole (WeirIndex *self, guint track)
{
  const TrackTotal *total = &g_array_index (self->totals, TrackTotal, track);
  Offered offered = {.newest = total->newest, .first = self->whole_first->number};
  g_autoptr (GString) codecs = g_string_new (NULL);

  for (guint i = 0; total->codecs != NULL && i < total->codecs->len; i++)
    g_string_append_printf (
        codecs, "%s%s", i > 0 ? "," : "", (const gchar *) g_ptr_array_index (total->codecs, i));
  offered.codecs = g_strdup (codecs->str);
  return offered;
}

static Offered
offered_by_window (WeirIndex *self, const GPtrArray *listed, guint track)
{
  return (Offered){
      .newest = find_newest (self, listed, track),
      .codecs = join_codecs (self, listed, track),
      .first = ((const WeirIndexSegment *) g_ptr_array_index (listed, 0))->number,
  };
}

/* @offered: with a newest segment */
static void
describe_track (WeirIndex *self, const Offered *offered, guint track, WeirHlsTrack *out)
{
  const WeirIndexSegment *newest = offered->newest;
  const WeirCodecConfig *config = weir_index_find_config (self, newest, track);
  const WeirIndexInit *init = weir_index_find_init (self, newest->epoch, newest->init_generation);
  const WeirTrackLabel *label = init->labels->pdata[track];
  const TrackTotal *total = &g_array_index (self->totals, TrackTotal, track);
  /* what nobody is offered any more does not count */
  const Measure *measured = offered->first >= total->first_number ? &total->current : &total->whole;

  out->track = track;
  out->codec = config->codec;
  out->codecs = offered->codecs;
  if (measured->duration_ns > 0)
    out->average_rate = bit_rate (measured->bytes, measured->duration_ns);
  out->peak_rate = MAX (measured->peak_rate, out->average_rate);
  out->width = (guint) weir_index_scale ((guint64) config->width * config->par_n, 1, config->par_d);
  out->height = config->height;
  out->transfer = config->colour != NULL ? config->colour->transfer : 0;
  out->channels = config->channels;
  out->label = label != NULL ? label->label : NULL;
  out->language = label != NULL ? label->language : NULL;
  if (config->frame_rate_n > 0)
    out->frame_rate = (gdouble) config->frame_rate_n / config->frame_rate_d;
  else if (total->current.ticks > 0)
    out->frame_rate =
        (gdouble) total->current.samples * config->timescale / (gdouble) total->current.ticks;
}

static void
hls_track_clear (gpointer data)
{
  g_free (((WeirHlsTrack *) data)->codecs);
}

/* Returns: (transfer container) (element-type WeirIndexSegment): those that tell what the window
 * offers: while there are only gaps, the last one before them */
static GPtrArray *
list_offered (WeirIndex *self)
{
  GPtrArray *offered = weir_index_list_window (self);

  for (guint i = offered->len; i-- > 0;) {
    if (((WeirIndexSegment *) g_ptr_array_index (offered, i))->missing)
      g_ptr_array_remove_index (offered, i);
  }
  if (offered->len == 0 && self->closed > 0)
    g_ptr_array_add (offered, g_ptr_array_index (self->segments, self->closed - 1));
  return offered;
}

static GBytes *
make_multivariant (WeirIndex *self, WeirIndexView view)
{
  const gboolean whole = view == WEIR_INDEX_WHOLE;
  g_autoptr (GArray) tracks = g_array_new (FALSE, TRUE, sizeof (WeirHlsTrack));
  g_autoptr (GPtrArray) listed = whole ? NULL : list_offered (self);
  gboolean empty = whole ? !self->recorded || self->whole_first == NULL : listed->len == 0;
  guint count = empty ? 0 : MIN (count_tracks (self), self->totals->len);

  g_array_set_clear_func (tracks, hls_track_clear);
  for (guint track = 0; track < count; track++) {
    Offered offered =
        whole ? offered_by_whole (self, track) : offered_by_window (self, listed, track);
    WeirHlsTrack description = {0};

    /* a track that was announced but never came, or is gone, would leave players waiting for it */
    if (offered.newest == NULL) {
      g_free (offered.codecs);
      continue;
    }
    describe_track (self, &offered, track, &description);
    g_array_append_val (tracks, description);
  }
  if (tracks->len == 0)
    return NULL;
  return weir_hls_write_multivariant ((const WeirHlsTrack *) tracks->data, tracks->len,
      !self->dependent, self->broadcast, whole ? WEIR_HLS_WHOLE_SUFFIX : "");
}

GBytes *
weir_index_get_multivariant (WeirIndex *self, WeirIndexView view)
{
  GBytes **text = &self->multivariant[view];
  GBytes *shared = NULL;

  g_mutex_lock (&self->lock);
  if (*text == NULL)
    *text = make_multivariant (self, view);
  if (*text != NULL)
    shared = g_bytes_ref (*text);
  g_mutex_unlock (&self->lock);
  return shared;
}
