export function arrivals() {}
