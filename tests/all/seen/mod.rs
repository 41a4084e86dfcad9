//! How Tenantry is seen from outside: figures, health, alarms, traces, and the doctor.

mod alarms;
mod consent;
mod doctor;
mod figures;
mod lines;
mod traces;
mod webhook;
