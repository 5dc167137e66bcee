"use strict";
/* Elements and numbers. Whatever comes from a run is put in as text. */

const find = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children; in SVG where the name says so ("svg:circle"). */
function make(name, attributes = {}, ...children) {
  const element = name.startsWith("svg:") ? document.createElementNS(SVG, name.slice(4)) : document.createElement(name);
  set(element, attributes);
  element.append(...children);
  return element;
}

function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : value);
  }
  return element;
}

/** Children in place of those that are there. */
function fill(element, ...children) {
  element.replaceChildren(...children);
  return element;
}

const MINUS = "\u2212";
const signed = (text) => text.replace(/^-(0\.?0*)$/, "$1").replace("-", MINUS); // and no zero below zero
const number = (value, digits = 2) => (value === null || !Number.isFinite(value) ? "–" : signed(value.toFixed(digits)));
const percent = (share) => (Number.isFinite(share) ? `${number(100 * share, 0)} %` : "–");
/** A name where there is little room. */
const brief = (name, most = 12) => (name.length > most ? `${name.slice(0, most - 1)}…` : name);
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const radians = (angle) => (angle * Math.PI) / 180;
const turned = (angle) => ((angle % 360) + 360) % 360;
/** The shorter way from one angle to another, in degrees. */
const between = (from, to) => ((to - from + 540) % 360) - 180;

/** What a canvas is drawn on, sharp on this screen; ``side`` in CSS pixels. */
function surface(canvas, width, height = width) {
  const scale = window.devicePixelRatio || 1;
  const [across, down] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== across || canvas.height !== down) Object.assign(canvas, { width: across, height: down });
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
