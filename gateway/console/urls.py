"""The pages of the console."""

from django.urls import path

from gateway.console import break_glass, configuring, explaining, one_source, reports, views
from gateway.console.what_if import what_if

app_name = "console"
urlpatterns = [
    path("", views.sources, name="sources"),
    path("add-source/", configuring.add, name="add-source"),
    path("sources/<slug:key>/", one_source.source, name="source"),
    path("sources/<slug:key>/progress/", one_source.progress, name="progress"),
    path("sources/<slug:key>/quarantined/", one_source.quarantined, name="quarantined"),
    path("sources/<slug:key>/retry/", one_source.retry, name="retry"),
    path("sources/<slug:key>/anew/", one_source.read_anew, name="read-anew"),
    path("sources/<slug:key>/dry-run/", one_source.dry_run, name="dry-run"),
    path("sources/<slug:key>/settings/", configuring.change, name="settings"),
    path("sources/<slug:key>/delete/", configuring.delete, name="delete"),
    path("sources/<slug:key>/pause/", views.pause, name="pause"),
    path("sources/<slug:key>/resume/", views.resume, name="resume"),
    path("sources/<slug:key>/sync/", views.sync_now, name="sync"),
    path("sources/<slug:key>/held/keep/", views.keep_held, name="keep-held"),
    path("sources/<slug:key>/held/delete/", views.delete_held, name="delete-held"),
    path("runs/", views.runs, name="runs"),
    path("people/", views.people, name="people"),
    path("people/<int:id>/", views.person, name="person"),
    path("people/<int:id>/active/", views.set_active, name="set-active"),
    path("what-if/", what_if, name="what-if"),
    path("access/", explaining.access, name="access"),
    path("access/documents/", explaining.documents_of, name="documents-of"),
    path("access/readers/<uuid:document>/", explaining.readers_of, name="readers-of"),
    path("break-glass/", break_glass.overview, name="break-glass"),
    path("break-glass/<int:id>/end/", break_glass.end, name="end-break-glass"),
    path("reports/", reports.reports, name="reports"),
    path("reports/<uuid:id>/done/", reports.done, name="report-done"),
    path("audit/", views.audit_list, name="audit"),
]
