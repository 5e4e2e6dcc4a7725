/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "playback/index-private.h"

#include "segment/init.h"

static void
config_free (gpointer data)
{
  if (data != NULL)
    weir_codec_config_unref (data);
}

static void
bytes_free (gpointer data)
{
  if (data != NULL)
    g_bytes_unref (data);
}

static void
label_free (gpointer data)
{
  weir_track_label_free (data);
}

GPtrArray *
weir_index_configs_new (void)
{
  return g_ptr_array_new_with_free_func (config_free);
}

GPtrArray *
weir_index_labels_new (void)
{
  return g_ptr_array_new_with_free_func (label_free);
}

GPtrArray *
weir_index_bytes_new (void)
{
  return g_ptr_array_new_with_free_func (bytes_free);
}

static GBytes *
init_write (const WeirIndexInit *self, gint track)
{
  return weir_init_segment_write_labelled ((WeirCodecConfig *const *) self->configs->pdata,
      (WeirTrackLabel *const *) self->labels->pdata, self->configs->len, track);
}

/* @labels: (nullable) */
WeirIndexInit *
weir_index_init_new (guint64 epoch, guint generation, GPtrArray *configs, GPtrArray *labels)
{
  WeirIndexInit *self = g_new0 (WeirIndexInit, 1);

  self->epoch = epoch;
  self->generation = generation;
  self->configs = weir_index_configs_new ();
  self->labels = weir_index_labels_new ();
  self->segments = weir_index_bytes_new ();
  for (guint i = 0; i < configs->len; i++) {
    WeirCodecConfig *config = g_ptr_array_index (configs, i);

    g_ptr_array_add (self->configs, config != NULL ? weir_codec_config_ref (config) : NULL);
    g_ptr_array_add (self->labels,
        labels != NULL && i < labels->len ? weir_track_label_copy (labels->pdata[i]) : NULL);
  }
  for (guint i = 0; i < configs->len; i++)
    g_ptr_array_add (
        self->segments, configs->pdata[i] != NULL ? init_write (self, (gint) i) : NULL);
  self->muxed = init_write (self, -1);
  return self;
}

void
weir_index_init_free (gpointer data)
{
  WeirIndexInit *self = data;

  g_ptr_array_unref (self->configs);
  g_ptr_array_unref (self->labels);
  g_ptr_array_unref (self->segments);
  g_bytes_unref (self->muxed);
  g_free (self);
}

WeirIndexInit *
weir_index_find_init (WeirIndex *self, guint64 epoch, guint generation)
{
  for (guint i = self->inits->len; i-- > 0;) {
    WeirIndexInit *init = g_ptr_array_index (self->inits, i);

    if (init->epoch == epoch && init->generation == generation)
      return init;
  }
  return NULL;
}

WeirCodecConfig *
weir_index_find_config (WeirIndex *self, const WeirIndexSegment *segment, guint track)
{
  WeirIndexInit *init = weir_index_find_init (self, segment->epoch, segment->init_generation);

  return init != NULL && track < init->configs->len ? g_ptr_array_index (init->configs, track)
                                                    : NULL;
}

void
weir_index_take_init (WeirIndex *self, WeirIndexInit *init)
{
  if (weir_index_find_init (self, init->epoch, init->generation) != NULL) {
    weir_index_init_free (init);
    return;
  }
  g_ptr_array_add (self->inits, init);
  weir_index_forget_playlists (self);
  /* what is written of it says that it cannot be played */
  if (self->unmapped)
    weir_index_restart_whole (self);
}

void
weir_index_add_init (
    WeirIndex *self, guint64 epoch, guint generation, GPtrArray *configs, GPtrArray *labels)
{
  WeirIndexInit *init = weir_index_init_new (epoch, generation, configs, labels);

  g_mutex_lock (&self->lock);
  weir_index_take_init (self, init);
  weir_index_unlock_changed (self);
}

GPtrArray *
weir_index_get_configs (WeirIndex *self, guint64 epoch, guint generation)
{
  GPtrArray *configs = NULL;
  WeirIndexInit *init;

  g_mutex_lock (&self->lock);
  init = weir_index_find_init (self, epoch, generation);
  if (init != NULL) {
    configs = weir_index_configs_new ();
    for (guint i = 0; i < init->configs->len; i++) {
      WeirCodecConfig *config = g_ptr_array_index (init->configs, i);

      g_ptr_array_add (configs, config != NULL ? weir_codec_config_ref (config) : NULL);
    }
  }
  g_mutex_unlock (&self->lock);
  return configs;
}

GBytes *
weir_index_get_init (WeirIndex *self, guint64 epoch, guint generation, gint track)
{
  GBytes *bytes = NULL;
  WeirIndexInit *init;

  g_mutex_lock (&self->lock);
  init = weir_index_find_init (self, epoch, generation);
  if (init != NULL && track < 0)
    bytes = init->muxed;
  else if (init != NULL && (guint) track < init->segments->len)
    bytes = g_ptr_array_index (init->segments, track);
  if (bytes != NULL)
    g_bytes_ref (bytes);
  g_mutex_unlock (&self->lock);
  return bytes;
}
