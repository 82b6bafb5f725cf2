//! Detectors of changes in a stream.

use super::error::throw;
use crate::monitoring::online::{self, AdwinOptions, Direction, PageHinkleyOptions};
use napi::Env;
use napi_derive::napi;

#[napi]
pub struct Adwin {
    inner: online::Adwin,
}

#[napi]
impl Adwin {
    #[napi(constructor, catch_unwind)]
    pub fn new(delta: f64, clock: u32, max_buckets: u32, min_window_length: u32, grace_period: u32) -> Self {
        let options = AdwinOptions {
            delta,
            clock: u64::from(clock),
            max_buckets: max_buckets as usize,
            min_window_length: u64::from(min_window_length),
            grace_period: u64::from(grace_period),
            ..AdwinOptions::default()
        };
        Self { inner: online::Adwin::new(options) }
    }

    /// Throws INVALID_REQUEST.
    #[napi(catch_unwind)]
    pub fn update(&mut self, env: &Env, value: f64) -> napi::Result<bool> {
        self.inner.update(value).map_err(|problem| throw(env, &problem))
    }

    #[napi(getter, catch_unwind)]
    pub fn width(&self) -> f64 {
        self.inner.width() as f64
    }

    #[napi(getter, catch_unwind)]
    pub fn total(&self) -> f64 {
        self.inner.total()
    }

    #[napi(getter, catch_unwind)]
    pub fn mean(&self) -> Option<f64> {
        self.inner.mean()
    }

    #[napi(getter, catch_unwind)]
    pub fn variance(&self) -> Option<f64> {
        self.inner.variance()
    }
}

#[napi]
pub struct PageHinkley {
    inner: online::PageHinkley,
}

#[napi]
impl PageHinkley {
    /// Both directions where neither is told.
    #[napi(constructor, catch_unwind)]
    pub fn new(min_instances: u32, delta: f64, threshold: f64, alpha: f64, is_up: Option<bool>) -> Self {
        let direction = match is_up {
            Some(true) => Direction::Up,
            Some(false) => Direction::Down,
            None => Direction::Both,
        };
        let min_instances = u64::from(min_instances);
        let options = PageHinkleyOptions { min_instances, delta, threshold, alpha, direction };
        Self { inner: online::PageHinkley::new(options) }
    }

    /// Throws INVALID_REQUEST.
    #[napi(catch_unwind)]
    pub fn update(&mut self, env: &Env, value: f64) -> napi::Result<bool> {
        self.inner.update(value).map_err(|problem| throw(env, &problem))
    }

    #[napi(getter, catch_unwind)]
    pub fn count(&self) -> f64 {
        self.inner.count() as f64
    }

    #[napi(getter, catch_unwind)]
    pub fn mean(&self) -> Option<f64> {
        self.inner.mean()
    }
}
