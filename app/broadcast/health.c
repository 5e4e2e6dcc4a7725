/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "broadcast/health.h"

#include <string.h>

static void
issue_free (gpointer data)
{
  WeirBroadcastIssue *issue = data;

  g_free (issue->name);
  g_free (issue->text);
  g_free (issue);
}

static void
track_free (gpointer data)
{
  WeirBroadcastTrack *track = data;

  g_free (track->codec);
  g_free (track);
}

static WeirBroadcastIssue *
issue_copy (const WeirBroadcastIssue *issue)
{
  WeirBroadcastIssue *copy = g_memdup2 (issue, sizeof *issue);

  copy->name = g_strdup (issue->name);
  copy->text = g_strdup (issue->text);
  return copy;
}

WeirBroadcastHealth *
weir_broadcast_health_new (void)
{
  WeirBroadcastHealth *self = g_new0 (WeirBroadcastHealth, 1);

  self->issues = g_ptr_array_new_with_free_func (issue_free);
  self->tracks = g_ptr_array_new_with_free_func (track_free);
  return self;
}

WeirBroadcastHealth *
weir_broadcast_health_copy (const WeirBroadcastHealth *self)
{
  WeirBroadcastHealth *copy = weir_broadcast_health_new ();

  copy->ratio = self->ratio;
  memcpy (copy->decisions, self->decisions, sizeof copy->decisions);
  for (guint i = 0; i < self->issues->len; i++)
    g_ptr_array_add (copy->issues, issue_copy (self->issues->pdata[i]));
  for (guint i = 0; i < self->tracks->len; i++)
    weir_broadcast_health_add_track (copy, self->tracks->pdata[i]);
  return copy;
}

void
weir_broadcast_health_free (WeirBroadcastHealth *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->issues);
  g_ptr_array_unref (self->tracks);
  g_free (self);
}

static WeirBroadcastIssue *
find (const WeirBroadcastHealth *self, const gchar *name, guint *index)
{
  for (guint i = 0; i < self->issues->len; i++) {
    WeirBroadcastIssue *issue = self->issues->pdata[i];

    if (strcmp (issue->name, name) == 0) {
      *index = i;
      return issue;
    }
  }
  return NULL;
}

gboolean
weir_broadcast_health_raise (WeirBroadcastHealth *self, const WeirBroadcastIssue *issue)
{
  guint index;
  WeirBroadcastIssue *there = find (self, issue->name, &index);

  if (there != NULL) {
    there->severity = issue->severity;
    there->value = issue->value;
    there->limit = issue->limit;
    g_free (there->text);
    there->text = g_strdup (issue->text);
    return FALSE;
  }
  if (self->issues->len >= WEIR_BROADCAST_ISSUES_MAX)
    return FALSE;
  g_ptr_array_add (self->issues, issue_copy (issue));
  return TRUE;
}

gboolean
weir_broadcast_health_clear (WeirBroadcastHealth *self, const gchar *name)
{
  guint index;

  if (find (self, name, &index) == NULL)
    return FALSE;
  g_ptr_array_remove_index (self->issues, index);
  return TRUE;
}

void
weir_broadcast_health_forget_sources (WeirBroadcastHealth *self)
{
  for (guint i = self->issues->len; i > 0; i--)
    if (!((const WeirBroadcastIssue *) self->issues->pdata[i - 1])->measured)
      g_ptr_array_remove_index (self->issues, i - 1);
}

const WeirBroadcastIssue *
weir_broadcast_health_find (const WeirBroadcastHealth *self, WeirHealthCode code)
{
  for (guint i = 0; i < self->issues->len; i++)
    if (((const WeirBroadcastIssue *) self->issues->pdata[i])->code == code)
      return self->issues->pdata[i];
  return NULL;
}

void
weir_broadcast_health_refresh (
    WeirBroadcastHealth *self, WeirHealthCode code, gdouble value, const gchar *text)
{
  guint index;
  WeirBroadcastIssue *issue = find (self, weir_health_code_get_name (code), &index);

  if (issue == NULL)
    return;
  issue->value = value;
  g_free (issue->text);
  issue->text = g_strdup (text);
}

void
weir_broadcast_health_add_track (WeirBroadcastHealth *self, const WeirBroadcastTrack *track)
{
  WeirBroadcastTrack *copy = g_memdup2 (track, sizeof *track);

  copy->codec = g_strdup (track->codec);
  g_ptr_array_add (self->tracks, copy);
}

const gchar *
weir_broadcast_health_get_state (const WeirBroadcastHealth *self)
{
  WeirHealthSeverity worst = WEIR_HEALTH_INFO;

  for (guint i = 0; i < self->issues->len; i++)
    worst = MAX (worst, ((const WeirBroadcastIssue *) self->issues->pdata[i])->severity);
  return worst == WEIR_HEALTH_INFO ? "ok" : weir_health_severity_get_name (worst);
}
