//! One signal, and the detectors that watch it.

use super::change::{Change, Detector};
use super::settings::ChangeSettings;
use super::standardised::Standardised;
use crate::monitoring::online::{Adwin, AdwinOptions, Split, is_value};

/// Values that differ by less than such a part of their size are as good as the same: sums of many of them are no more exact.
const RESOLUTION: f64 = 1e-6;

#[derive(Debug)]
pub struct Signal {
    name: String,
    extent: Extent,
    adwin: Option<Adwin>,
    page_hinkley: Option<Standardised>,
    adwin_told: Told,
    page_hinkley_told: Told,
}

/// How often changes of a signal are told.
#[derive(Debug, Default)]
struct Told {
    last_ms: Option<u64>,
    skipped: u64,
}

/// The least and the largest value so far.
#[derive(Debug)]
struct Extent {
    least: f64,
    largest: f64,
}

impl Signal {
    pub fn new(name: String) -> Self {
        Self {
            name,
            extent: Extent { least: f64::INFINITY, largest: f64::NEG_INFINITY },
            adwin: None,
            page_hinkley: None,
            adwin_told: Told::default(),
            page_hinkley_told: Told::default(),
        }
    }

    /// Adds a value, and the changes that are to be told; of each detector at most one in `pause_ms`. What is no number is left out.
    pub fn update(
        &mut self,
        settings: ChangeSettings,
        value: f64,
        unix_ms: u64,
        pause_ms: u64,
        changes: &mut Vec<Change>,
    ) {
        if !is_value(value) {
            return;
        }
        let adwin = self.by_adwin(settings, value).map(|split| (Detector::Adwin, split));
        let page_hinkley = self.by_page_hinkley(settings, value).map(|split| (Detector::PageHinkley, split));
        for (detector, split) in adwin.into_iter().chain(page_hinkley) {
            let told = match detector {
                Detector::Adwin => &mut self.adwin_told,
                Detector::PageHinkley => &mut self.page_hinkley_told,
            };
            if let Some(skipped) = told.tell(unix_ms, pause_ms) {
                changes.push(Change { signal: self.name.clone(), detector, unix_ms, split, skipped });
            }
        }
    }

    fn by_adwin(&mut self, settings: ChangeSettings, value: f64) -> Option<Split> {
        if !settings.adwin {
            self.adwin = None;
            return None;
        }
        let adwin = self.adwin.get_or_insert_with(|| Adwin::new(AdwinOptions::default()));
        if self.extent.grows(value) {
            adwin.set_range(self.extent.range());
        }
        adwin.update(value).is_ok_and(|is_change| is_change).then(|| adwin.split()).flatten()
    }

    fn by_page_hinkley(&mut self, settings: ChangeSettings, value: f64) -> Option<Split> {
        if !settings.page_hinkley {
            self.page_hinkley = None;
            return None;
        }
        let detector = self.page_hinkley.get_or_insert_with(Standardised::default);
        detector.update(value).is_ok_and(|is_change| is_change).then(|| detector.split()).flatten()
    }
}

impl Extent {
    /// Takes a value in; whether it lies outside.
    fn grows(&mut self, value: f64) -> bool {
        let is_outside = value < self.least || value > self.largest;
        self.least = self.least.min(value);
        self.largest = self.largest.max(value);
        is_outside
    }

    /// How far apart ADWIN takes values to be: 1, as river does; of values that all lie within a tenth, a hundredth... that, because
    /// it would be blind to their changes otherwise.
    fn range(&self) -> f64 {
        let (least, largest) = (self.least, self.largest);
        let apart = (largest - least).max(RESOLUTION * largest.abs().max(least.abs()));
        if least < largest { 10f64.powf(apart.log10().ceil()).min(1.0) } else { 1.0 }
    }
}

impl Told {
    /// How many were skipped since the last one that was told; `None` when this one is to be skipped.
    fn tell(&mut self, unix_ms: u64, pause_ms: u64) -> Option<u64> {
        if self.last_ms.is_some_and(|last| unix_ms.abs_diff(last) < pause_ms) {
            self.skipped += 1;
            return None;
        }
        self.last_ms = Some(unix_ms);
        Some(std::mem::take(&mut self.skipped))
    }
}
