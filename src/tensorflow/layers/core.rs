//! Dense layers, and the layers that do something in training only.

use super::layer::{Layer, Rule};
use crate::error::{Result, error};
use crate::tensorflow::emit::Value;

pub const RULES: &[(&str, Rule)] = &[
    ("Dense", dense),
    ("EinsumDense", einsum_dense),
    ("LayerScale", layer_scale),
    ("CustomScaleLayer", scaled_sum),
    ("Identity", same),
    ("StochasticDepth", same),
    ("Dropout", same),
    ("SpatialDropout1D", same),
    ("SpatialDropout2D", same),
    ("SpatialDropout3D", same),
    ("GaussianNoise", same),
    ("GaussianDropout", same),
    ("AlphaDropout", same),
    ("ActivityRegularization", same),
    ("RandomFlip", same),
    ("RandomRotation", same),
    ("RandomZoom", same),
    ("RandomTranslation", same),
    ("RandomContrast", same),
    ("RandomBrightness", same),
    ("RandomHeight", same),
    ("RandomWidth", same),
    ("RandomColorDegeneration", same),
    ("RandomColorJitter", same),
    ("RandomErasing", same),
    ("RandomElasticTransform", same),
    ("RandomGaussianBlur", same),
    ("RandomGrayscale", same),
    ("RandomHue", same),
    ("RandomInvert", same),
    ("RandomPerspective", same),
    ("RandomPosterization", same),
    ("RandomSaturation", same),
    ("RandomSharpness", same),
    ("RandomShear", same),
];

fn same(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    Ok(vec![layer.raw()])
}

/// ConvNeXt's factor for each channel.
fn layer_scale(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    // Keras 3 gives it a name of no meaning.
    let name = if layer.context.weights.has(&layer.scope, "gamma") { "gamma" } else { "" };
    let gamma = layer.weight(name, 1)?;
    let gamma = layer.emit.constant(gamma);
    Ok(vec![layer.emit.mul(x, gamma)])
}

/// InceptionResNet's sum, in which the second has a factor.
fn scaled_sum(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let &[a, b] = layer.inputs.as_slice() else {
        return Err(error!(InvalidModel, "two inputs are expected"));
    };
    let (a, b) = (layer.float(a.value)?, layer.float(b.value)?);
    let scale = layer.config.number("scale", 1.0)? as f32;
    let scale = layer.emit.float(scale);
    let scaled = layer.emit.mul(b, scale);
    Ok(vec![layer.emit.add(a, scaled)])
}

fn dense(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let kernel = layer.weight("kernel", 2)?;
    let units = kernel.shape[1];
    if layer.emit.size(x, -1).is_some_and(|size| size != kernel.shape[0] as i64) {
        return Err(error!(InvalidModel, "its kernel {:?} does not fit its input", kernel.shape));
    }
    let kernel = layer.emit.constant(kernel);
    let bias = layer.bias(units)?;
    let made = match (layer.emit.rank(x), bias) {
        (Some(2), Some(bias)) => layer.emit.op("Gemm", &[x, kernel, bias]),
        (_, Some(bias)) => {
            let product = layer.emit.op("MatMul", &[x, kernel]);
            layer.emit.add(product, bias)
        }
        (_, None) => layer.emit.op("MatMul", &[x, kernel]),
    };
    Ok(vec![layer.activate(made)?])
}

/// A product by an equation such as `ab,bc->ac`, where `...` stands for leading axes.
fn einsum_dense(layer: &mut Layer<'_, '_>) -> Result<Vec<Value>> {
    let x = layer.x()?;
    let rank = layer.rank(x)?;
    let equation = layer.config.text("equation", "")?.replace(' ', "");
    let wrong = || error!(InvalidModel, "the equation \"{equation}\" cannot be read");
    let (inputs, output) = equation.split_once("->").ok_or_else(wrong)?;
    let (input, kernel) = inputs.split_once(',').ok_or_else(wrong)?;
    let letters = |term: &str| term.bytes().filter(u8::is_ascii_alphabetic).count();
    let leading = rank.checked_sub(letters(input)).ok_or_else(wrong)?;
    let free: String = ('A'..='Z').filter(|letter| !equation.contains(*letter)).take(leading).collect();
    if free.len() < leading || (leading > 0 && !input.contains("...")) {
        return Err(wrong());
    }
    let spelled = format!("{},{kernel}->{}", input.replace("...", &free), output.replace("...", &free));
    let weight = layer.weight("kernel", letters(kernel))?;
    let weight = layer.emit.constant(weight);
    let mut made = layer.emit.op_with("Einsum", &[x, weight], [("equation", spelled.into())]);
    if let Some(axes) = layer.config.json("bias_axes").as_str() {
        let count = output
            .chars()
            .filter(|letter| letter.is_ascii_alphabetic())
            .skip_while(|letter| !axes.contains(*letter))
            .count();
        let bias = layer.weight("bias", count)?;
        let bias = layer.emit.constant(bias);
        made = layer.emit.add(made, bias);
    }
    Ok(vec![layer.activate(made)?])
}
