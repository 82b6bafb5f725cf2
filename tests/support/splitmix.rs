//! The large samples of the corpus, which are formulas over a stream of SplitMix64.

use serde_json::Value as Json;

/// The values of a generator: its kind, number, seed and parameters.
pub fn generated(generator: &Json) -> Vec<f64> {
    let field = |name: &str| generator[name].as_f64().unwrap_or_else(|| panic!("{generator} has no {name}"));
    let seed = generator["seed"].as_u64().unwrap();
    let u = |at: u64| uniform(seed, at);
    let value = |at: u64| match generator["kind"].as_str().unwrap() {
        "uniform" => field("lo") + (field("hi") - field("lo")) * u(at),
        "normalish" => field("mean") + field("sd") * ((0..12).map(|part| u(12 * at + part)).sum::<f64>() - 6.0),
        "ints" => (u(at) * field("k")).floor(),
        "zipf" => (field("k") * u(at) * u(at) * u(at)).floor(),
        "bernoulli" => f64::from(u8::from(u(at) < field("p"))),
        other => panic!("{other} is not known"),
    };
    (0..generator["n"].as_u64().unwrap()).map(value).collect()
}

fn uniform(seed: u64, at: u64) -> f64 {
    let state = seed.wrapping_add((at + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}
